"""The recipe of pocket-flow: its optimizer, and runs that go on where they stopped."""

from pathlib import Path

import torch

from dato.pocket import pocket_path
from experiments.pocket.data import Data
from experiments.pocket.flow_networks import build_flow, load_flow, set_coarse
from experiments.pocket.flow_trainer import FlowTrainer, Options
from experiments.pocket.muon import orthogonalised


def test_orthogonalised_matrices_have_singular_values_of_about_one() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((3, 16, 16), (3, 16, 64), (3, 64, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape, generator=generator)))
        assert values.min() > 0.5 and values.max() < 1.3


def trainer(folder: Path) -> FlowTrainer:
    torch.manual_seed(0)
    options = Options(60.0, 0.5, 2, 1e-3, 8, 60.0, None, folder)
    data = Data(torch.randn(8, 6, 32, 32), torch.randn(8, 6, 16, 16), torch.full((8, 20), 584))
    empty = torch.full((1, 20), 584)
    return FlowTrainer(options, build_flow(pocket_path() / "text_encoder"), data, empty)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = trainer(tmp_path)
    for _ in range(2):
        first.advance()
    first.save()
    second = trainer(tmp_path)
    assert second.step == 2 and second.seen == first.seen
    assert first.before == 0 < second.before
    for run in (first, second):
        torch.manual_seed(5)
        run.advance()
    for a, b in zip(first.parameters, second.parameters, strict=True):
        assert torch.equal(a, b)


def test_the_coarse_stage_spreads_the_same_positions_over_fewer_tokens() -> None:
    embedding = (transformer := build_flow(pocket_path() / "text_encoder").transformer).pos_embed
    fine = embedding.pos_embed
    set_coarse(transformer, coarse=True)
    corner = fine.view(16, 16, -1)[:2, :2].mean((0, 1))
    torch.testing.assert_close(embedding.pos_embed[0, 0], corner)
    assert transformer.pos_embed(torch.zeros(1, 6, 16, 16)).shape == (1, 64, 128)
    set_coarse(transformer, coarse=False)
    assert torch.equal(embedding.pos_embed, fine)


def test_the_shipped_weights_can_be_trained_on() -> None:
    networks = load_flow(pocket_path("pocket-flow"))
    state = networks.transformer.state_dict()
    built = build_flow(pocket_path() / "text_encoder")
    built.transformer.load_state_dict(state)
    tokens = torch.full((1, 20), 584)
    velocity = networks.velocity(torch.zeros(1, 6, 32, 32), torch.ones(1), tokens)
    assert velocity.shape == (1, 6, 32, 32)
    assert velocity.abs().mean() > 0.01, "an untrained one gives zeros"
