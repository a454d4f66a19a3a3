"""Every error that lenetkit raises on purpose.

One tree under :class:`LenetkitError`; each error is also the builtin that a reader would expect, so that
``except ValueError`` keeps working::

    LenetkitError
    ├── SettingError (ValueError)           an argument or setting that is invalid
    ├── DataError (ValueError)              images, labels or a file that do not hold what they should
    │   ├── BundleError                     a saved pipeline that is damaged, hostile or too new
    │   └── CheckpointError                 a checkpoint that does not belong to this run
    ├── DownloadError (OSError)             data that is not here and could not be fetched
    ├── UnknownNameError (LookupError)      a name that no model, data set or transform has
    ├── NameTakenError (ValueError)         a name that already has an owner
    ├── PluginError (ImportError)           an installed plug-in that cannot be loaded
    ├── ContractError (AssertionError)      a model, data set or transform that breaks its promises
    ├── MissingExtraError (ImportError)     an optional dependency that is not installed
    ├── BackendError (RuntimeError)         Keras was told to run on something other than TensorFlow
    ├── NotFittedError (ValueError, AttributeError)   something that learns was used before ``fit``
    ├── TrainingError (RuntimeError)        training went wrong: the loss is not finite any more
    └── ExportError (RuntimeError)          an exported model does not answer as it should

Every message says which thing is meant, what was expected, what was found and what to do.

:class:`DataNotice` is no error but a warning: data were read by an assumption, which it states.
"""

__all__ = [
    "BackendError",
    "BundleError",
    "CheckpointError",
    "ContractError",
    "DataError",
    "DataNotice",
    "DownloadError",
    "ExportError",
    "LenetkitError",
    "MissingExtraError",
    "NameTakenError",
    "NotFittedError",
    "PluginError",
    "SettingError",
    "TrainingError",
    "UnknownNameError",
]


class LenetkitError(Exception):
    """Anything that lenetkit raises on purpose.

    Examples
    --------
    One word catches whatever lenetkit raises, and each error is one of Python's as well:

    >>> from lenetkit import LenetkitError, load_dataset
    >>> try:
    ...     load_dataset("minst")
    ... except LenetkitError as error:
    ...     print(type(error).__name__, isinstance(error, LookupError))
    UnknownNameError True
    """

    def __str__(self) -> str:
        """Return the message; names of files and classes in it cannot steer a terminal."""
        text = super().__str__()
        shown = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
        return text if text.isprintable() else "".join(shown)


class SettingError(LenetkitError, ValueError):
    """An argument or setting that is invalid."""


class DataError(LenetkitError, ValueError):
    """Images, labels or a file that do not hold what they should."""


class DataNotice(UserWarning):
    """Warning: data were read by an assumption, or a part of them was ignored; the message states it.

    ``warnings.simplefilter("error", DataNotice)`` turns it into an exception, ``"ignore"`` silences it. The command
    line prints it to standard error, once.
    """


class BundleError(DataError):
    """A saved pipeline that is damaged, hostile or too new for this version."""


class CheckpointError(DataError):
    """A checkpoint that is damaged or does not belong to this run."""


class DownloadError(LenetkitError, OSError):
    """Data that is not on this machine and could not be fetched."""


class UnknownNameError(LenetkitError, LookupError):
    """A name that no model, data set or transform has."""


class NameTakenError(LenetkitError, ValueError):
    """A name that already has an owner."""


class PluginError(LenetkitError, ImportError):
    """An installed plug-in that cannot be loaded."""


class ContractError(LenetkitError, AssertionError):
    """A registered model, data set or transform that does not keep its contract."""


class MissingExtraError(LenetkitError, ImportError):
    """An optional dependency that is not installed."""


class BackendError(LenetkitError, RuntimeError):
    """Keras was told to run on something other than TensorFlow."""


class NotFittedError(LenetkitError, ValueError, AttributeError):
    """Something that learns was used before ``fit``."""


class TrainingError(LenetkitError, RuntimeError):
    """Training went wrong and was stopped."""


class ExportError(LenetkitError, RuntimeError):
    """An exported model does not answer as the pipeline does."""
