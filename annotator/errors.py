"""What can go wrong in words that the person who reads them can act on.

AnnotatorError          a refusal; the message is one sentence with the cure
|-- ProjectError        the project directory or its project.toml
|-- StoreError          the database: locked, newer than this program, on a network disk
|   `-- StoreMoved      its file is not where it was when it was opened
|-- NotFound            a category, image, version or file that is not there
|-- FormatError         a label file does not follow its format
|-- ImageError          one picture cannot be used; the message is the reason
|   `-- RootAway        so can none of its folder, as when a disk is not mounted
|-- WeightsError        a backbone's weights are not installed or do not fit
|-- SetBack             an older backup was brought back since a browser had something acknowledged
|-- NotReady            asked too early: nothing embedded, nothing known, no version yet
`-- LeaseLost           another process has taken over what this one was doing
"""


class AnnotatorError(Exception):
    """A refusal or failure whose message is written for the person at the screen."""


class ProjectError(AnnotatorError):
    """The project directory or its `project.toml` cannot be used."""


class StoreError(AnnotatorError):
    """The database cannot be used: locked, newer than this program, or on a network disk."""


class StoreMoved(StoreError):
    """The database file was moved, deleted or replaced while this program had it open."""


class NotFound(AnnotatorError):
    """A category, image, version or file that was named does not exist."""


class FormatError(AnnotatorError):
    """A label file does not follow its format; the message names the place and the cure."""


class ImageError(AnnotatorError):
    """One picture cannot be used; the message is the reason, without the file's name."""


class RootAway(ImageError):
    """A whole image folder is missing or empty, as when its disk is not mounted; it may be back."""


class WeightsError(AnnotatorError):
    """The weights of a backbone are not installed or do not fit it."""


class SetBack(AnnotatorError):
    """The database lacks an operation that a browser had acknowledged: it is an older state."""


class NotReady(AnnotatorError):
    """Something else has to happen first; the message says what."""


class LeaseLost(AnnotatorError):
    """The job or image that this process held now belongs to another process."""
