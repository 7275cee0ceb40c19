"""What can go wrong in words that the person who reads them can act on.

AnnotatorError              refused: the same request will be refused again until something changes
|-- TemporaryError          not now: keep the work and ask again, the same request can succeed
|   |-- StoreUnavailable    the database is locked, its disk is full or its server does not answer
|   |-- StoreMoved          its file is not where it was when it was opened
|   |-- ImageFolderMissing  a whole image folder is missing, as when its disk is not mounted
|   `-- ProjectBusy         an import or a scan of the image folders is running
|-- StoreError              the database: damaged, newer than this program, on a network disk
|-- ProjectError            the project directory or its project.toml
|-- NotFound                a category, image, version or file that is not there
|-- FormatError             a label file does not follow its format
|-- ImageError              one picture cannot be used; the message is the reason
|-- WeightsError            a backbone's weights are not installed or do not fit
|-- SetBack                 an older backup was restored since a browser had something acknowledged
|-- NotReady                asked too early: nothing embedded, nothing known, no version yet
`-- LeaseLost               another process has taken over what this one was doing
"""


class AnnotatorError(Exception):
    """A refusal whose message is written for the person at the screen."""

    exit_status = 1
    """Of a command that ends with it."""


class TemporaryError(AnnotatorError):
    """Something outside the request is in the way; once it is gone, the same request succeeds."""

    exit_status = 75  # what other programs, too, end with if the same command can succeed later


class StoreUnavailable(TemporaryError):
    """The database cannot be used now: locked, not writable, its disk full or its server away."""


class StoreMoved(TemporaryError):
    """The database file was moved, deleted or replaced while this program had it open."""


class ImageFolderMissing(TemporaryError):
    """A whole image folder is missing or empty, as when its disk is not mounted."""


class ProjectBusy(TemporaryError):
    """Another program or person is doing something with the project that has to end first."""


class StoreError(AnnotatorError):
    """The database cannot be used: damaged, newer than this program, or on a network disk."""


class ProjectError(AnnotatorError):
    """The project directory or its `project.toml` cannot be used."""


class NotFound(AnnotatorError):
    """A category, image, version or file that was named does not exist."""


class FormatError(AnnotatorError):
    """A label file does not follow its format; the message names the place and the cure."""


class ImageError(AnnotatorError):
    """One picture cannot be used; the message is the reason, without the file's name."""


class WeightsError(AnnotatorError):
    """The weights of a backbone are not installed or do not fit it."""


class SetBack(AnnotatorError):
    """The database lacks an operation that a browser had acknowledged: it is an older state."""


class NotReady(AnnotatorError):
    """Something else has to happen first; the message says what."""


class LeaseLost(AnnotatorError):
    """The job that this process held now belongs to another, which finishes it."""
