"""The keys and words of this program's COCO profile: full-image boxes, LVIS keys, a label table."""

from __future__ import annotations

POSITIVE = "pos_category_ids"
NEGATIVE = "neg_category_ids"
NOT_EXHAUSTIVE = "not_exhaustive_category_ids"

TABLE = "image_labels"
"""Top-level list of every known pair with its provenance; where it speaks, it decides."""

WITHHELD = "withheld_annotations"
"""Top-level list of imported boxes whose category is not present; no consumer reads it."""

FILLED_IN = "filled_in_keys"
"""Key of an annotation: those of its keys that an export had to add, removed when read."""

ORIGINAL_ID = "original_id"
"""Key that keeps an imported id that is no whole number; consumers need whole numbers."""

ANNOTATED_SIZE = "annotated_size"
"""Key of an image: the width and height that its imported boxes fit, where they are not its own."""

BOX_KEYS = ("bbox", "area", "iscrowd", "segmentation")

ANNOTATION_TYPE = "image_level"

SEMANTICS = {
    "answered": (
        "federated: annotation=present, neg_category_ids=verified absent, otherwise unknown"
    ),
    "certified": (
        "certified: annotation=present, neg_category_ids=absent, otherwise unknown; pairs with "
        "source 'certified' in image_labels were filled in under the certificate that they name"
    ),
    "completed": (
        "completed: annotation=present, neg_category_ids=absent, otherwise unknown; pairs with "
        "source 'model' in image_labels were decided by a model and verified by nobody"
    ),
}
"""`info.label_semantics` by content."""

UNCERTIFIED = "uncertified: pairs with source 'model' were decided by a model, not by people"

CERTIFIED_NOTE = (
    "pairs with source 'certified' were decided by a model under the certificates in info; nobody "
    "looked at each of them"
)

NOT_CERTIFIED_NOTE = "no certificate was in force when this file was written: nothing is filled in"

CERTIFICATES = "certificates"
"""Key of `info` with the certificates that fill in pairs of the file."""

OWN_INFO_KEYS = frozenset({CERTIFICATES, "promises_hold"})
"""Keys of `info` that speak about this export only; those of an earlier file are dropped."""

INFO_KEYS = frozenset(
    {"annotation_type", "label_semantics", "content", "certified", "content_note"}
)
"""Keys of `info` that the profile owns."""

CATEGORY_KEYS = frozenset(
    {"id", "name", "supercategory", "frequency", "image_count", "instance_count"}
)
IMAGE_KEYS = frozenset({"id", "file_name", "width", "height", POSITIVE, NEGATIVE, NOT_EXHAUSTIVE})
ANNOTATION_KEYS = frozenset({"id", "image_id", "category_id"})
TABLE_KEYS = frozenset({"image_id", "category_id", "state", "source", "score", "annotator", "ts"})
TOP_KEYS = frozenset({"info", "licenses", "categories", "images", "annotations", TABLE, WITHHELD})
