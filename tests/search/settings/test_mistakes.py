"""A wrong setting is answered with its name, the fault with the value, and the remedy."""

from __future__ import annotations

import re

import pytest

from search.errors import ConfigError, UserError
from search.settings.compose import compose_config

ONE_MISTAKE = re.compile(r"(?P<setting>[\w.]+)(: |=| )(?P<fault>.+?)\. (?P<remedy>[A-Z].+)[.?]")
METRICS = (
    "fid_reference, fid_real, fid_real_bound, kid_reference, kid_real, clip_score, "
    "caption_accuracy, psnr, ssim, lpips, feature_distance"
)
BOUND = (
    "Write <= or >= before a number (>=5), or before the unpatched model's value (<=baseline, "
    "<=baseline+0.5), and a comma between several."
)
DURATION = "Write a duration such as 2h, 90m, 1h30m or 45s."
INTEGER = "Write one, without quotes or a decimal point."
SERVER = "storage=postgres storage.url="

BAD = [
    ("budgget.trials=3", "budgget: there is no such setting. Did you mean 'budget'?"),
    ("budget.trails=3", "budget.trails: there is no such setting. Did you mean 'budget.trials=3'?"),
    ("model.height=96", "model.height: there is no such setting, for images have the model's own "
     "size. Leave it out."),
    ("study.d=x", "study.d: there is no such setting. Choose one of study.folder, study.name, "
     "study.seed."),
    ("sampler=tep", "sampler=tep is unknown. Did you mean 'tpe'? Choose one of gp, nsga2, random, "
     "tpe."),
    ("model=sd16", "model=sd16 is unknown. Did you mean 'sd15'? Choose one of custom, flux-dev, "
     "flux-schnell, pixart, pocket, pocket-flow, sd15, sd21, sd3, sd35-large, sd35-medium, sdxl."),
    ("budget=", "budget= is unknown. Choose one of full, quick."),
    ("budget.trials=0", "budget.trials=0 is too small. Take at least 1."),
    ("budget.calls=-1", "budget.calls=-1 is too small. Take more than 0."),
    ("budget.trials=two", f"budget.trials='two' is not an integer. {INTEGER}"),
    ("budget.trials=1.5", f"budget.trials=1.5 is not an integer. {INTEGER}"),
    ("budget.calls=nan", "budget.calls=nan is not finite. Write a number."),
    ("budget.time=90", f"budget.time: '90' is not a duration. {DURATION}"),
    ("budget.time=0m", f"budget.time: '0m' is too short: it lasts no time. {DURATION}"),
    ("model.num_inference_steps=2000",
     "model.num_inference_steps=2000 is too large. Take at most 1000."),
    ("model.dtype=fp16",
     "model.dtype='fp16' is unknown. Choose float32, float16 or bfloat16."),
    ("model.dtype=float61", "model.dtype='float61' is unknown. Did you mean 'float16'? Choose "
     "float32, float16 or bfloat16."),
    ("study.name=", "study.name='' is empty. Write a text."),
    ("study=3", "study=3 is not a group of settings. Write its settings one by one."),
    ("sampler.options=3", "sampler.options=3 is not a group of settings. Write {KEY: VALUE}."),
    ("latency.tables=x", "latency.tables='x' is not a list. Write [..., ...]."),
    ("export.dominated=perhaps",
     "export.dominated='perhaps' is neither true nor false. Write true or false."),
    ("quality.rung_margin=abc",
     "quality.rung_margin='abc' is not a number. Write one, without quotes."),
    ("tune.images=1", "tune.images=1 is too small. Take at least 2."),
    ("rivals.steps=[]", "rivals.steps=[] is empty. Give at least one, or null."),
    ("rivals.steps=[0]", "rivals.steps.0=0 is too small. Take at least 1."),
    ("rivals.samplers=[DDIM]", "rivals.samplers: 'DDIM' is not a sampler. Write 'own' or a "
     "scheduler of diffusers such as DPMSolverMultistepScheduler."),
    ("tune.guidance=[4,1.5]", "tune.guidance: the lowest scale 4 is above the highest, 1.5. Write "
     "[1.5,4]."),
    ("tune.guidance=[3,5]", "tune.guidance=[3,5] does not hold model.guidance_scale=2. Widen the "
     "one, or set the other inside it."),
    ("quality.images=33", "quality.images=33 is not a multiple of model.batch_size=4. Take "
     "quality.images=32, or another batch."),
    ("quality.rung_images=16", "quality.rung_images=16 is not smaller than quality.images=16. "
     "Lower quality.rung_images, or raise quality.images."),
    ("quality.objective=fid_reel", "quality.objective: 'fid_reel' is not a metric. Did you mean "
     f"'fid_real'? Choose one of {METRICS}."),
    ("quality.objective=fid_real_bound", "quality.objective=fid_real_bound is a bound and not a "
     "measurement. Set quality.objective=fid_real, and bound it by "
     "constraints.fid_real='<=baseline'."),
    ("quality.objective=fid_real quality.real=none", "quality.objective=fid_real needs real "
     "images, and quality.real is none. Set quality.real to a folder of images, or "
     "quality.objective=fid_reference."),
    ("constraints.fid_real=<=9 quality.real=none", "constraints.fid_real needs real images, and "
     "quality.real is none. Set quality.real to a folder of images, or leave the bound out."),
    ("constraints.fid=<=base+1", f"constraints.fid: '<=base+1' is not a bound. {BOUND}"),
    ("constraints.psnr=5", f"constraints.psnr: '5' is not a bound. {BOUND}"),
    ("constraints.speedup=>=5,<=3",
     "constraints.speedup: no value is both >=5 and <=3. Leave one of them out."),
    ("constraints.speedup=<=0", "constraints.speedup: '<=0' does not bound a speed-up, which is a "
     "factor above 0 over the unpatched model. Write a bound such as >=5."),
    ("constraints.fid=>=5", "constraints.fid: '>=5' refuses an FID for being low, and a lower one "
     "is always welcome. Write <=."),
    ("constraints.psnr=<=25", "constraints.psnr='<=25' refuses a psnr for being high, and a higher "
     "one is always welcome. Write >=."),
    ("+constraints.sharpness=>=1",
     f"constraints.sharpness: 'sharpness' is not a metric. Choose one of {METRICS}."),
    ("launcher=slurm", "launcher=slurm does not run with storage=journal, where its jobs cannot "
     "meet. Set storage=postgres."),
    ("storage=postgres", "storage.url: there is no URL of the server. Set "
     "storage.url=postgresql://user@host:5432/database, and put the password into ~/.pgpass, "
     "PGPASSFILE or PGPASSWORD."),
    (f"{SERVER}postgresql://me:secret@host/d", "storage.url: the URL "
     "'postgresql://me:***@host/d' holds a password, which config.yaml would keep. Put it into "
     "~/.pgpass, PGPASSFILE or PGPASSWORD."),
    (f"{SERVER}mysql://host/d", "storage.url: 'mysql://host/d' is not a storage's URL. Write "
     "postgresql://user@host:5432/database."),
    (f"{SERVER}postgresql://host/d?user=me", "storage.url: the URL has user, which a storage's URL "
     "does not take. Choose among host, port, sslmode, sslrootcert."),
    ("quality.real=~nobody-here/x", "quality.real: '~nobody-here' is no user's home folder here. "
     "Write the path out, or ./~nobody-here."),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "sentence"), BAD)
def test_a_mistake_is_the_setting_the_fault_and_the_remedy(overrides: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose_config(overrides.split())
    assert caught.value.problems == (sentence,)
    assert ONE_MISTAKE.fullmatch(sentence)


def test_one_mistake_is_one_line_and_several_are_a_list() -> None:
    with pytest.raises(ConfigError) as one:
        compose_config(["budget.trials=0"])
    assert str(one.value) == (
        "The configuration cannot be used: budget.trials=0 is too small. Take at least 1."
    )
    with pytest.raises(ConfigError) as several:
        compose_config(["budget.trials=0", "model.batch_size=0"])
    assert str(several.value) == (
        "The configuration cannot be used, for 2 reasons:\n"
        "  - model.batch_size=0 is too small. Take at least 1.\n"
        "  - budget.trials=0 is too small. Take at least 1."
    )


def test_a_space_in_nobodys_home_folder_is_refused() -> None:
    with pytest.raises(UserError, match=r"space=~nobody-here/x\.yaml: '~nobody-here' is no user's"):
        compose_config(["space=~nobody-here/x.yaml"])
