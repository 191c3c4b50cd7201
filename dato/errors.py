"""The error tree. Every message says what is wrong now, with the value, and then the remedy."""


class DatoError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        fault: a sentence about what is wrong now, with the value that is.
        remedy: what to do about it, in sentences.
    """

    def __init__(self, fault: str, *, remedy: str = "") -> None:
        self.fault = fault
        self.remedy = remedy
        super().__init__(f"{fault} {remedy}".rstrip())


class ScheduleError(DatoError, ValueError):
    """A schedule breaks one of its own rules."""


class EmptyScheduleError(ScheduleError):
    """A schedule has no calls or no kinds."""


class UnknownKindError(ScheduleError):
    """A step names a kind that the codebook does not define, or a kind is never used."""


class FirstCallError(ScheduleError):
    """The first call is not full, so there is nothing to reuse."""


class DepthError(ScheduleError):
    """A depth is neither ``"full"`` nor an integer from 0 on."""


class RatioError(ScheduleError):
    """A pruning ratio is outside ``[0, 1 - 1 / patch area]`` or not finite."""


class ForecastError(ScheduleError):
    """A forecast or its weights break a rule, such as weights for a call that is not fitted."""


class SlopeError(ScheduleError):
    """A slope is out of range, or stands in a schedule that draws no line which it could turn."""


class TunedError(ScheduleError):
    """A tuned sampler's timesteps or weights break a rule, or its schedule is none for it."""


class TimestepsError(TunedError):
    """Timesteps that take the place of a scheduler's own are no falling numbers from 0 on."""


class TokensError(ScheduleError):
    """A token-selection setting is outside its range."""


class MismatchError(DatoError, ValueError):
    """A schedule or preset does not fit the pipeline it is applied to."""


class UnsupportedError(DatoError, TypeError):
    """The engine cannot honour a feature of the pipeline, and does not guess."""


class PresetError(DatoError, ValueError):
    """A preset file breaks the format."""


class PresetFileError(PresetError):
    """A preset file is missing or cannot be read."""


class UnknownPresetError(PresetError):
    """No shipped preset has the name that was asked for."""


class HubError(PresetError):
    """A preset cannot be fetched from the Hugging Face Hub, or pushed to it."""


class NotJsonError(PresetError):
    """The text is not UTF-8 encoded JSON, or its outermost value is not an object."""


class TooLargeError(PresetError):
    """A preset exceeds a limit: bytes, nesting, kinds, steps or the digits of a number."""


class DuplicateKeyError(PresetError):
    """An object holds the same key twice, so that readers would disagree about its value."""


class UnknownKeyError(PresetError):
    """An object holds a key that the format does not define."""


class MissingKeyError(PresetError):
    """An object lacks a key that the format requires."""


class TypeRuleError(PresetError):
    """A value has another type, range or spelling than the format asks for."""


class NotFiniteError(PresetError):
    """A number is NaN or infinite."""


class WrongLengthError(PresetError):
    """A list has another length than its rule says, such as one step per call."""


class GuidanceError(PresetError):
    """A range of guidance scales is none, or lacks the scale that the preset was found at."""


class WrongFormatError(PresetError):
    """The file is not a preset: its ``format`` is missing or another one."""


class NewerVersionError(PresetError):
    """The preset was written by a newer version of the format."""


class SamplerFileError(DatoError, ValueError):
    """A sampler file is missing, or breaks the format."""


class SettingWarning(UserWarning):
    """A run is called with another setting than its preset was found at, such as another guidance
    scale, or a model of flow matching has a sampler of diffusion. Filter it by this class where
    that is meant."""
