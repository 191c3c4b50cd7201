"""The error tree. Every message says what is wrong, then the value found, then the remedy."""


class DatoError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, rule: str, *, found: object = None, remedy: str = "") -> None:
        self.rule = rule
        self.found = found
        self.remedy = remedy
        found_text = "" if found is None else f" Found: {found!r}."
        remedy_text = "" if not remedy else f" {remedy}"
        super().__init__(f"{rule}{found_text}{remedy_text}")


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


class WrongFormatError(PresetError):
    """The file is not a preset: its ``format`` is missing or another one."""


class NewerVersionError(PresetError):
    """The preset was written by a newer version of the format."""
