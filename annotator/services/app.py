"""All services of one open project, bundled for whoever shows them to a person."""

from __future__ import annotations

import logging
from pathlib import Path

from annotator.errors import AnnotatorError
from annotator.services.background import running_import
from annotator.services.backup.page_backup import Backups
from annotator.services.catalogue import recomputing
from annotator.services.catalogue.categories import Curation
from annotator.services.catalogue.hotkeys import Hotkeys
from annotator.services.catalogue.image_information import ImageInformation
from annotator.services.catalogue.people import People
from annotator.services.catalogue.pictures import Media
from annotator.services.certificates.certification import Certification
from annotator.services.clock import Clock, utc_now
from annotator.services.exchange.page_transfer import Exchange
from annotator.services.exchange.transfer import Transfer
from annotator.services.knowledge.conditional_update import Reranking
from annotator.services.knowledge.evidence import Evidence
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.known_labels import KnownLabelsCache
from annotator.services.knowledge.open_suggestions import OpenSuggestions
from annotator.services.knowledge.prototypes import Prototypes
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.labelling.bookmarks import Bookmarks
from annotator.services.labelling.finish import Finish
from annotator.services.labelling.flags import Flags
from annotator.services.labelling.image_list import ImageList
from annotator.services.labelling.image_map import ImageMap
from annotator.services.labelling.image_marks import ImageMarks
from annotator.services.labelling.label import Labelling
from annotator.services.labelling.likely_here import LikelyHere
from annotator.services.labelling.probe import Probing
from annotator.services.labelling.recording import Recording
from annotator.services.labelling.review import Review
from annotator.services.labelling.verify import Verification
from annotator.services.predictors.predictors import Predictors
from annotator.services.progress.category_report import CategoryReport
from annotator.services.progress.forecast import Forecasts
from annotator.services.progress.overview import ProgressReport
from annotator.services.progress.quality import Quality
from annotator.services.progress.stopping import Stopping
from annotator.services.project.identity import Lineage
from annotator.services.project.image_folders import ImageRoots
from annotator.services.project.removed_images import RemovedImages
from annotator.services.project.resaved_images import ResavedImages
from annotator.services.project.settings import Preferences
from annotator.services.training.comparison import Comparison
from annotator.services.training.control import TrainingControl
from annotator.settings import Project, load_project
from annotator.store import Store

log = logging.getLogger("annotator.services")


class Services:
    """What a user can do with one project."""

    def __init__(self, project: Project, store: Store, clock: Clock = utc_now) -> None:
        self.project = project
        self.store = store
        self.suggestions = Suggestions(project, store)
        self.fills = Fills(project)
        self.certification = Certification(project, store, self.suggestions, self.fills, clock)
        self.predictors, self.lineage = Predictors(project, store, clock), Lineage(store)
        self.media = Media(project, store)
        self.recording = Recording(store, self.media, clock)
        self._prototypes = Prototypes(project, store, self.suggestions)
        self._labels = KnownLabelsCache(store, clock)
        self.likely_here = LikelyHere(store, self._labels, clock=clock)
        self.labelling = Labelling(
            project, store, self.suggestions, self._prototypes, self.media, clock, self.fills,
            self.lineage, self.likely_here,
        )  # fmt: skip
        self.probing = Probing(project, store, self.media, clock)
        self.flags = Flags(store, clock)
        self.bookmarks = Bookmarks(store, clock)
        self.image_information = ImageInformation(project, store)
        self.hotkeys = Hotkeys(store, clock)
        self.transfer = Transfer(project, store, self.suggestions, clock, self.fills)
        self.exchange = Exchange(project, store, self.transfer)
        self.review = Review(store, self.suggestions)
        self.evidence = Evidence(project, store, self.suggestions, self._labels)
        self._counts = counts = OpenSuggestions(store, self.suggestions, self.fills)
        self.stopping = Stopping(project, counts, clock)
        self.forecasts = Forecasts(self.stopping)
        self.category_report = CategoryReport(project, counts, clock)
        self.progress = ProgressReport(project, counts, clock, forecasts=self.forecasts)
        self.finish = Finish(store, self.fills, self.review, self.certification)
        self.quality = Quality(project, counts, clock)
        self.image_list = ImageList(project, store, self.suggestions, self.fills, clock)
        self.verification = Verification(
            project,
            store,
            self.suggestions,
            self.media,
            self.labelling,
            self.recording,
            counts,
            Reranking(self._labels),
            self.image_list,
            clock,
        )
        self.training = TrainingControl(project, store, clock)
        self.comparison = Comparison(project, store, counts)
        self.curation = Curation(project, store)
        self.preferences = Preferences(project, store)
        self.image_roots = ImageRoots(project, store)
        self.image_marks = ImageMarks(project, store, self.fills)
        self.removed_images = RemovedImages(store)
        self.resaved_images = ResavedImages(project, store)
        self.people = People(store)
        self.backups = Backups(project)

    @property
    def image_map(self) -> ImageMap:
        """The map of the images, which keeps nothing of its own."""
        return ImageMap(self.store, self.image_list)

    @classmethod
    def open(cls, path: Path) -> Services:
        """Open a project directory.

        Raises:
            ProjectError: If it is not a project or its settings are broken.
            StoreError: If its database cannot be used.
            StoreUnavailable: If that is only so now, as while another program locks it.
        """
        project = load_project(path)
        store = Store.open(project.database_url)
        try:
            running_import.settle(project, store)
        except AnnotatorError as error:  # labels are sound at any moment, so work can go on
            log.warning("An interrupted import could not be settled: %s", error)
        try:
            recomputing.finish(store)  # a merge that was broken off
        except AnnotatorError:
            store.close()
            raise
        return cls(project, store)

    def close(self) -> None:
        """End what is being counted, and close the database."""
        for followed in (self._labels, self._prototypes, self._counts):
            followed.task.close()
        for report in (self.progress, self.quality, self.stopping, self.category_report):
            report.close()
        self.media.close()
        self.store.close()
