"""The commands `mlrpl bench`, `train` and `evaluate`: parse, call the library, print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from mlrpl import datasets
from mlrpl.labels import Missingness
from mlrpl.methods import Size

if TYPE_CHECKING:
    from mlrpl.datasets import LabelledImages
    from mlrpl.experiments.experiment import ExperimentConfig
    from mlrpl.experiments.feature_cache import CachedFeatures, FeatureRequest
    from mlrpl.training.distributed import Process

DEFAULT_BACKBONE = "efficientnet-lite2"

Dataset = Annotated[str, typer.Argument(help=f"One of {', '.join(datasets.names())}.")]
Root = Annotated[Path, typer.Option(help="Folder of the data set.")]
Hide = Annotated[
    str, typer.Option(help=(f"Which labels are hidden: {', '.join(get_args(Missingness))}."))
]
Count = Annotated[
    int, typer.Option(help="Present and absent labels per category that fixed_per_category keeps.")
]
Backbone = Annotated[
    str,
    typer.Option("--features", help="Frozen backbone network that computes the features."),
]
FineTune = Annotated[
    bool, typer.Option("--finetune", help="Also fine-tune the last stage of the backbone.")
]
InputSize = Annotated[
    int | None,
    typer.Option(help="Input size in pixels; default: the network's own, 448 at paper size."),
]
SizeOption = Annotated[
    str, typer.Option(help=("Model size: tool (for a laptop) or paper (as published)."))
]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=JSON",
        help=(
            "Method option; METHOD.NAME for one of several methods, finetune.NAME for fine-tuning."
        ),
    ),
]
Training = Annotated[
    list[str] | None,
    typer.Option("--training", metavar="NAME=JSON", help="Training setting, such as epochs=5."),
]
Names = Annotated[
    bool,
    typer.Option(
        "--names/--no-names",
        help="Use the category-name prior from the backbone's own classes.",
    ),
]
MinPositives = Annotated[
    int, typer.Option(help="Leave out categories with fewer present labels over all splits.")
]
Unlabelled = Annotated[
    bool,
    typer.Option("--keep-unlabelled/--drop-unlabelled", help="Images without any present label."),
]
SplitSeed = Annotated[int, typer.Option(help="Seed of the split, for data sets without one.")]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder for cached features; default: mlrpl in the user's cache folder."),
]
Share = Annotated[
    float,
    typer.Option(help="Share of training images for early stopping, if patience is set."),
]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def bench(
    dataset: Dataset,
    root: Root,
    method: Annotated[str, typer.Option(help="One or several, separated by commas.")],
    known: Annotated[str, typer.Option(help="Shares of labels kept, separated by commas.")],
    hide: Hide = "uniform",
    count: Count = 5,
    backbone: Backbone = DEFAULT_BACKBONE,
    finetune: FineTune = False,
    seeds: Annotated[int, typer.Option(help="Runs with the seeds 0, 1, ...", min=1)] = 1,
    size: SizeOption = "tool",
    input_size: InputSize = None,
    option: Option = None,
    training: Training = None,
    validation_share: Share = 0.1,
    names: Names = False,
    min_positives: MinPositives = 0,
    unlabelled: Unlabelled = True,
    split_seed: SplitSeed = 0,
    cache: Cache = None,
    out: Annotated[
        Path | None,
        typer.Option(help=("File of finished runs, one per line; they are not repeated.")),
    ] = None,
    per_category: Annotated[
        bool, typer.Option("--per-category", help="Also print the average precision per category.")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="Also print the papers' published rows.")
    ] = False,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Measure methods on a data set of which only some labels are shown to them."""
    from mlrpl.experiments.bench import BenchPlan, run_bench

    plan = BenchPlan(
        methods=tuple(name.strip() for name in method.split(",")),
        known=_numbers(known),
        request=_request(backbone, size, input_size),
        hide=cast("Missingness", hide),
        count=count,
        seeds=seeds,
        options=_pairs(option),
        training=_pairs(training),
        use_names=names,
        finetune=finetune,
        validation_share=validation_share,
        per_category=per_category,
        device=_checked_device(device),
    )
    plan.settings()
    data = _loaded(dataset, root, min_positives, split_seed, keep_unlabelled=unlabelled)
    features = None if finetune else _features(data, plan.request, cache, plan.device)
    records = run_bench(data, plan, features, out=out, on_run=_tell_run)
    _print_bench(records, plan.methods, plan.known, dataset, published=published, as_json=as_json)


def train(
    dataset: Dataset,
    root: Root,
    method: Annotated[str, typer.Option(help="One of those that `mlrpl methods` lists.")],
    out: Annotated[Path, typer.Option(help="Checkpoint file to write.")],
    known: Annotated[float, typer.Option(help="Share of labels kept.")] = 1.0,
    hide: Hide = "uniform",
    count: Count = 5,
    seed: Annotated[int, typer.Option(help="Seed of the hidden labels and of training.")] = 0,
    backbone: Backbone = DEFAULT_BACKBONE,
    finetune: FineTune = False,
    size: SizeOption = "tool",
    input_size: InputSize = None,
    option: Option = None,
    training: Training = None,
    validation_share: Share = 0.1,
    names: Names = False,
    min_positives: MinPositives = 0,
    unlabelled: Unlabelled = True,
    split_seed: SplitSeed = 0,
    cache: Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted training.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Train a method on the training images into a checkpoint; also under torchrun."""
    from mlrpl.experiments.experiment import ExperimentConfig
    from mlrpl.experiments.train_evaluate import state_path
    from mlrpl.training.distributed import process_group

    setting = ExperimentConfig(
        method=method,
        known=known,
        hide=cast("Missingness", hide),
        count=count,
        seed=seed,
        size=cast("Size", size),
        options=_pairs(option),
        training=_pairs(training),
        use_names=names,
        finetune=finetune,
        validation_share=validation_share,
    )
    request = _request(backbone, size, input_size)
    if resume and out.exists() and not state_path(out).exists():
        typer.echo(f"{out} is finished; there is nothing to go on with", err=True)
        return
    data = _loaded(dataset, root, min_positives, split_seed, keep_unlabelled=unlabelled)
    with process_group(_checked_device(device)) as place:
        features = None if finetune else _features(data, request, cache, place.device)
        _train(data, setting, features, request, out, place, resume=resume)


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint file written by `mlrpl train`.")],
    dataset: Dataset,
    root: Root,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    unlabelled: Unlabelled = True,
    split_seed: SplitSeed = 0,
    cache: Cache = None,
    per_category: Annotated[
        bool, typer.Option("--per-category", help="Also print the average precision per category.")
    ] = False,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Measure a trained method on one part of a data set."""
    from mlrpl.cache_folder import cache_folder
    from mlrpl.experiments.feature_cache import FeatureCache
    from mlrpl.experiments.train_evaluate import evaluate_checkpoint, read_info

    read_info(checkpoint)
    least = 1 if dataset == "openimages" else 0
    data = _loaded(dataset, root, least, split_seed, keep_unlabelled=unlabelled)
    figures = evaluate_checkpoint(
        checkpoint,
        data,
        split,
        FeatureCache(cache or cache_folder()),
        device=_checked_device(device),
        per_category=per_category,
        on_progress=_teller("pictures embedded"),
    )
    typer.echo(json.dumps(figures, indent=1) if as_json else _figure_lines(figures))


def _train(
    data: LabelledImages,
    setting: ExperimentConfig,
    features: CachedFeatures | None,
    request: FeatureRequest,
    out: Path,
    place: Process,
    *,
    resume: bool,
) -> None:
    from mlrpl.experiments.train_evaluate import train_checkpoint

    def tell(report: Any) -> None:
        terms = ", ".join(f"{name} {value:.4g}" for name, value in report.terms.items())
        found = (
            "" if report.validation is None else f"; validation mAP {100 * report.validation:.1f}"
        )
        if place.rank == 0:
            typer.echo(f"epoch {report.epoch + 1} of {report.epochs}: {terms}{found}", err=True)

    train_checkpoint(
        data, setting, features, request, out, resume=resume, device=place.device, on_epoch_end=tell
    )
    if place.rank == 0:
        typer.echo(f"{out} is written; measure it with `mlrpl evaluate`")


def _loaded(
    dataset: str, root: Path, min_positives: int, seed: int, *, keep_unlabelled: bool
) -> LabelledImages:
    return datasets.load(
        dataset, root, min_positives=min_positives, keep_unlabelled=keep_unlabelled, seed=seed
    )


def _request(backbone: str, size: str, input_size: int | None) -> FeatureRequest:
    from mlrpl.backbone_names import parse
    from mlrpl.experiments.feature_cache import FeatureRequest

    parse(backbone)
    if size not in get_args(Size):
        raise ValueError(f"unknown size {size!r}; known: {', '.join(get_args(Size))}")
    return FeatureRequest(backbone, cast("Size", size), input_size)


def _features(
    data: LabelledImages, request: FeatureRequest, cache: Path | None, device: str
) -> CachedFeatures:
    from mlrpl.cache_folder import cache_folder
    from mlrpl.experiments.feature_cache import FeatureCache

    return FeatureCache(cache or cache_folder()).get(
        data, request, device=device, on_progress=_teller("pictures embedded")
    )


def _pairs(texts: list[str] | None) -> dict[str, Any]:
    """Return what `NAME=JSON` says; a value that is no JSON is a text."""
    found: dict[str, Any] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"{text!r} should be NAME=JSON, such as epochs=5")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise ValueError(f"known should be numbers separated by commas, got {text!r}") from None


def _checked_device(device: str) -> str:
    import torch

    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"unknown device {device!r}; use cpu or cuda")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("torch finds no CUDA device here; use --device cpu")
    return device


def _teller(what: str) -> Callable[[int, int], None]:
    """Return what reports progress on stderr, a line each tenth."""
    told = [-1]

    def tell(done: int, of: int) -> None:
        tenth = 10 * done // of if of else 10
        if tenth > told[0]:
            told[0] = tenth
            typer.echo(f"{done} of {of} {what}", err=True)

    return tell


def _tell_run(record: Mapping[str, Any]) -> None:
    found = record["mAP"]
    shown = "no category to measure on" if found is None else f"mAP {found:.2f} %"
    typer.echo(
        f"{record['method']}, known {record['known']:g}, seed {record['seed']}: {shown} in "
        f"{record['seconds']:.1f} s",
        err=True,
    )


def _print_bench(
    records: list[dict[str, Any]],
    methods: tuple[str, ...],
    known: tuple[float, ...],
    dataset: str,
    *,
    published: bool,
    as_json: bool,
) -> None:
    from mlrpl.experiments.bench_table import bench_table
    from mlrpl.experiments.published_results import KNOWN, published_rows

    rows = published_rows(dataset) if published else ()
    if as_json:
        found: dict[str, Any] = {"runs": records}
        if published:
            found |= {"published_known": KNOWN, "published": [asdict(row) for row in rows]}
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(bench_table(records, methods, known, rows))
    if published and not rows:
        typer.echo(f"no paper's rows are known for {dataset}", file=sys.stderr)


def _figure_lines(figures: Mapping[str, Any]) -> str:
    lines = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines += [f"{name} {inner}: {_shown(each)}" for inner, each in value.items()]
        else:
            lines.append(f"{name}: {_shown(value)}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
