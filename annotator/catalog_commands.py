"""The commands about a project's categories and image folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli_options import AsJson, ProjectDir
from annotator.errors import AnnotatorError
from annotator.terminal import key_lines, opened, progress_bar, show

if TYPE_CHECKING:
    from annotator.services.catalogue.categories import CategoryRow
    from annotator.services.project.image_folders import FolderRow
    from annotator.services.project.resaved_images import ResavedRow

Yes = Annotated[
    bool, typer.Option("--yes", help="Apply the change; without this, only preview it.")
]
Name = Annotated[str, typer.Argument(help="Name of the category.")]

images_app = typer.Typer(no_args_is_help=True)
categories_app = typer.Typer(no_args_is_help=True)


@images_app.callback()
def images(context: typer.Context, project: ProjectDir) -> None:
    """Add and move image folders, find, remove and restore images."""
    context.obj = project


@images_app.command("add")
def images_add(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(help="Another folder; default: rescan the known ones.")
    ] = None,
    name: Annotated[str, typer.Option(help="Short name; default: that of the folder.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add new and changed images."""
    with opened(context.obj) as services, progress_bar("Reading images") as on_progress:
        roots = services.image_roots
        if folder is None:
            row = roots.look(on_progress=on_progress)
        else:
            row = roots.add(folder, name=name, on_progress=on_progress)
    counts = {key: value for key, value in row.items() if not isinstance(value, list)}
    show(row, key_lines(counts), as_json)


@images_app.command("root")
def images_root(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Short name of the folder.")] = None,
    folder: Annotated[Path | None, typer.Argument(help="Where its images are now.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List the folders, or point one to its new place."""
    with opened(context.obj) as services, progress_bar("Reading images") as on_progress:
        roots = services.image_roots
        row: object
        if name is None or folder is None:
            row = rows = roots.rows()
            text = "\n".join(map(_root_line, rows))
        elif yes:
            row = moved = roots.move(name, folder.absolute(), on_progress=on_progress)
            text = moved["message"]
        else:
            row = foreseen = roots.move_preview(name, folder.absolute())
            text = f"{foreseen['text']}\nNothing was changed; add --yes to use this folder."
    show(row, text, as_json)


@images_app.command("list")
def images_list(
    context: typer.Context,
    matching: Annotated[
        str, typer.Option("--filter", help="As on the Images page: 'present:cat -by:Ann'.")
    ] = "",
    sort: Annotated[
        str, typer.Option(help="As on the Images page: name, newest, score:cat, ...")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the images that fit a filter, by name."""
    with opened(context.obj) as services:
        rows = services.image_list.names(matching, sort)
    show(rows, "\n".join(row["name"] for row in rows) or "None.", as_json)


@images_app.command("missing")
def images_missing(context: typer.Context, as_json: AsJson = False) -> None:
    """List missing and unusable files with the reason."""
    with opened(context.obj) as services:
        rows = services.image_roots.unusable()
    show(rows, "\n".join(f"{r['name']}: {r['reason']}" for r in rows) or "None.", as_json)


@images_app.command("resaved")
def images_resaved(
    context: typer.Context,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Let this file be the image that it was before; repeat for more."),
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Accept all that were found to look alike.")
    ] = False,
    undo: Annotated[
        list[str] | None, typer.Option(help="Separate this accepted file again; repeat for more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List new files that are images saved again, and let them take over the answers."""
    if sum(map(bool, (accept, accept_all, undo))) > 1:
        raise typer.BadParameter("use one of --accept, --accept-all and --undo at a time")
    with opened(context.obj) as services:
        resaved = services.resaved_images
        if undo or accept or accept_all:
            row = (
                resaved.undo(undo) if undo else resaved.accept(accept or (), everything=accept_all)
            )
            show(row, row["message"], as_json)
            return
        rows = resaved.rows()
    show(rows, "\n".join(map(_resaved_line, rows)) or "None.", as_json)


Names = Annotated[list[str] | None, typer.Argument(help="File names.", metavar="NAME...")]
NameFile = Annotated[
    Path | None, typer.Option("--list", help="A text file with one file name a line.")
]


@images_app.command("remove")
def images_remove(
    context: typer.Context,
    names: Names = None,
    listed: NameFile = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Remove all images that have no file.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take images out of the project; files and answers are kept, `restore` undoes it."""
    chosen = _file_names(names, listed, missing)
    with opened(context.obj) as services:
        row = services.removed_images.remove(chosen, missing=missing)
    show(row, row["message"], as_json)


@images_app.command("restore")
def images_restore(
    context: typer.Context,
    names: Names = None,
    listed: NameFile = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Bring all removed images back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the removed images, or bring some back with their answers."""
    with opened(context.obj) as services:
        removed = services.removed_images
        if names or listed or everything:
            row = removed.restore(_file_names(names, listed, everything), everything=everything)
            show(row, row["message"], as_json)
            return
        rows = removed.rows()
    from annotator.services.message import counted

    lines = [f"{r['name']}: {counted(r['answers'], 'answer')}" for r in rows]
    show(rows, "\n".join(lines) or "None.", as_json)


@categories_app.callback()
def categories(context: typer.Context, project: ProjectDir) -> None:
    """List, add, rename, merge, archive and restore categories."""
    context.obj = project


@categories_app.command("list")
def categories_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the categories in the order of the pages, archived ones last."""
    with opened(context.obj) as services:
        rows = services.curation.rows()
    show(rows, "\n".join(_category_line(r) for r in rows) or "None.", as_json)


@categories_app.command("add")
def categories_add(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="New names.")],
    supercategory: Annotated[str, typer.Option(help="Group for all of them.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add categories; all their pairs start as unknown."""
    with opened(context.obj) as services:
        row = services.curation.add(names, supercategory=supercategory)
    show(row, row["message"], as_json)


@categories_app.command("rename")
def categories_rename(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="Current name.")],
    new: Annotated[str, typer.Argument(help="New name; the old one stays as an alias.")],
    as_json: AsJson = False,
) -> None:
    """Rename a category; files that use the old name still import."""
    with opened(context.obj) as services:
        row = services.curation.edit(services.curation.find(old), name=new)
    show(row, f"{old} is now {new.strip()}", as_json)


@categories_app.command("merge")
def categories_merge(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Category to be merged.")],
    into: Annotated[str, typer.Argument(help="Category that stays.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Merge a category into another; no answer is changed, `split` undoes it."""
    with opened(context.obj) as services, progress_bar("Updating labels") as on_progress:
        curation = services.curation
        pair = curation.find(name), curation.find(into)
        row: object
        if yes:
            row = merged = curation.merge(*pair, on_progress)
            text = merged["message"]
        else:
            row = foreseen = curation.merge_preview(*pair)
            text = f"{foreseen['text']}\nNothing was changed; add --yes to merge."
    show(row, text, as_json)


@categories_app.command("split")
def categories_split(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Undo a merge: the two categories are separate again."""
    with opened(context.obj) as services, progress_bar("Updating labels") as on_progress:
        row = services.curation.split(services.curation.find(name), on_progress)
    show(row, row["message"], as_json)


@categories_app.command("archive")
def categories_archive(
    context: typer.Context,
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Show it again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hide a category everywhere; its answers are kept."""
    with opened(context.obj) as services:
        row = services.curation.archive(services.curation.find(name), not undo)
    show(row, row["message"], as_json)


@categories_app.command("restore")
def categories_restore(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an archived category again, with its answers."""
    with opened(context.obj) as services:
        row = services.curation.archive(services.curation.find(name), False)
    show(row, row["message"], as_json)


def _file_names(names: list[str] | None, listed: Path | None, others: bool) -> list[str]:
    chosen = list(names or ())
    if listed is not None:
        try:
            lines = listed.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotatorError(f"The list {listed} cannot be read ({error}); check it.") from None
        chosen += [line.strip() for line in lines if line.strip()]
    if not chosen and not others:
        raise typer.BadParameter("name the images, or a list of them with --list FILE")
    return chosen


def _resaved_line(row: ResavedRow) -> str:
    from annotator.services.message import counted

    alike = "" if row["similarity"] is None else f"similarity {row['similarity']:.4f}, "
    note = f"; {row['note']}" if row["note"] else ""
    return f"{row['old']} -> {row['new']}: {alike}{counted(row['answers'], 'answer')}{note}"


def _root_line(row: FolderRow) -> str:
    from annotator.services.message import counted

    state = "" if row["there"] else ", which is missing"
    return (
        f"{row['name']}: {row['folder']}{state}; {counted(row['usable'], 'file')}, "
        f"{row['gone']:,} missing, "
        f"{row['refused']:,} that cannot be used"
    )


def _category_line(row: CategoryRow) -> str:
    merged = row["merged_into"]
    state = f"  merged into {merged}" if merged else "  archived" if row["archived"] else ""
    group = f"{row['supercategory']}: " if row["supercategory"] else ""
    return f"{group}{row['name']}  {row['present']:,} present, {row['absent']:,} absent{state}"
