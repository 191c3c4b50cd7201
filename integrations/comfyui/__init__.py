"""Sampler files and presets of dato as samplers of ComfyUI."""

from .node import LoadDatoPreset

NODE_CLASS_MAPPINGS = {"LoadDatoPreset": LoadDatoPreset}
NODE_DISPLAY_NAME_MAPPINGS = {"LoadDatoPreset": "Load dato preset"}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
