"""Images: a folder of them, the folders in it their classes, and above these perhaps the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TextIO

import numpy as np

from nntrain.data.extras import extra
from nntrain.data.files import is_folder, opened, path_of
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError, MachineError
from nntrain.families import Array, Source
from nntrain.limits import Ge, Le
from nntrain.values import dataclass
from nntrain.wording import listed, quoted

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no other decoder is tried
PARTS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
BYTES_AT_A_TIME = 1 << 25
ASIDE = {
    "class": "the folder of the image",
    "split": "the part that the folder says",
    "file": "the file of the image",
}
Side = Annotated[int, Ge(1), Le(4096)]

BEGINNINGS = ("89 50 4e 47", "ff d8 ff", "47 49 46 38", "42 4d")  # of PNG, JPEG, GIF, BMP


@dataclass(frozen=True)
class Images(Source):
    """A folder of images, or one image; needs `nntrain[images]`.

    `<class>/*.png` gives the columns `image` (H, W, 1 or 3, bytes), `class` and `file`;
    `<part>/<class>/*.png`, with parts `train`, `validation` (`val`) and `test`, a column `split`
    too.  Images may be PNG, JPEG, BMP, GIF (the first frame), WebP, TIFF or PPM.  Transparent
    places become white, and photographs are turned upright as their camera says.

    size: height and width that all images get; left out, they must be equal already.
    color: `grey` or `rgb`; left out, as the images are, and all must be of one kind.
    """

    size: tuple[Side, Side] | None = None
    color: Literal["grey", "rgb"] | None = None

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        folder = path_of(source)
        found = _found(folder)
        module = extra("PIL.Image", "Pillow", "images", "images are read")
        files = tuple(str(each.path) for each in found)
        at, some = 0, list[Array]()
        first: Array | None = None
        for each in found:
            pixels = self._pixels(module, each.path)
            first = pixels if first is None else first
            self._check_alike(pixels, first, each.path, found[0].path)
            some.append(pixels)
            if len(some) == rows_at_a_time or len(some) * pixels.nbytes >= BYTES_AT_A_TIME:
                yield _table(folder, found, files, at, some)
                at, some = at + len(some), []
        if some:
            yield _table(folder, found, files, at, some)

    def _pixels(self, module: Any, path: Path) -> Array:
        """The numbers of an image, (H, W, 1 or 3) uint8."""
        import warnings

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", module.DecompressionBombWarning)
                with module.open(path, formats=FORMATS) as image:
                    return _array(module, image, self.size, self.color)
        except Exception as error:  # decoders raise whatever comes to them
            if isinstance(error, OSError) and error.errno:
                raise MachineError(f"{path}: {error.strerror}") from None
            why = str(error) or type(error).__name__
        if "cannot identify" in why:
            with path.open("rb") as stream:
                start = stream.read(4).hex(" ") or "nothing"
            if start.startswith(BEGINNINGS):
                raise DataError("damaged or cut off: no whole image", path)
            raise DataError(f"this is no image: it begins with {start}", path)
        raise DataError(f"damaged or cut off: no whole image ({why[:100]})", path)

    def _check_alike(self, pixels: Array, first: Array, path: Path, other: Path) -> None:
        if pixels.shape[:2] != first.shape[:2]:
            here, there = (" × ".join(map(str, a.shape[:2])) for a in (pixels, first))
            hint = "`data.format: {type: images, size: [HEIGHT, WIDTH]}` makes them equal"
            raise DataError(f"the image has {here} points, {other} has {there}", path, 0, hint)
        if pixels.shape != first.shape:
            here, there = ("grey" if a.shape[2] == 1 else "coloured" for a in (pixels, first))
            hint = "`data.format: {type: images, color: rgb}` (or grey) makes them alike"
            raise DataError(f"the image is {here}, {other} is {there}", path, 0, hint)


class _Image(NamedTuple):
    path: Path
    label: str | None
    part: str | None


def _table(
    folder: Path, found: Sequence[_Image], files: tuple[str, ...], at: int, some: Sequence[Array]
) -> Table:
    rows = found[at : at + len(some)]
    columns: dict[str, Array] = {"image": np.stack(some)}
    if rows[0].label is not None:
        columns["class"] = np.array([row.label for row in rows], dtype=TEXT)
    if rows[0].part is not None:
        columns["split"] = np.array([row.part for row in rows], dtype=TEXT)
    names = [row.path.relative_to(folder).as_posix() for row in rows]
    columns["file"] = np.array([name if name != "." else folder.name for name in names], dtype=TEXT)
    numbers = np.arange(at, at + len(some), dtype=np.int32)
    aside = {name: why for name, why in ASIDE.items() if name in columns}
    return Table(str(folder), numbers + 1, columns, "image", files, numbers, aside)


def _found(folder: Path) -> list[_Image]:
    """The images of a folder in the order of their names, and what the folders say of each."""
    if not is_folder(folder):
        with opened(folder):  # one that is not there is told as everywhere
            return [_Image(folder, None, None)]
    inside, images = _folders(folder), _images(folder)
    if not inside and not images:
        raise DataError("there are no images in this folder", folder, 0, _instead(folder))
    if inside and images:
        beside = f"there are images beside the folder {quoted(inside[0].name)}"
        raise DataError(f"{beside}: of which class are they?", images[0])
    if not inside:
        return [_Image(path, None, None) for path in images]
    parts = [PARTS.get(each.name.lower()) for each in inside]
    if "train" not in parts or None in parts:
        return [found for each in inside for found in _of_class(each, None)]
    found = [one for each, part in zip(inside, parts, strict=True) for one in _of_part(each, part)]
    odd = [one.path for one in found if (one.label is None) != (found[0].label is None)]
    if odd:
        hint = "<part>/<class>/*.png: a folder for each class in every part, or in none"
        raise DataError("some parts have folders of classes and some have not", odd[0], 0, hint)
    return found


def _of_part(folder: Path, part: str | None) -> list[_Image]:
    if classes := _folders(folder):
        return [found for each in classes for found in _of_class(each, part)]
    return [_Image(path, None, part) for path in _some_images(folder)]


def _of_class(folder: Path, part: str | None) -> list[_Image]:
    return [_Image(path, folder.name, part) for path in _some_images(folder)]


def _some_images(folder: Path) -> list[Path]:
    images = _images(folder)
    if not images:
        hint = "<class>/*.png, or <part>/<class>/*.png with the parts train, validation, test"
        raise DataError("there are no images in this folder", folder, 0, hint)
    return images


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and _is_shown(each))


def _images(folder: Path) -> list[Path]:
    inside = (each for each in folder.iterdir() if each.name.lower().endswith(ENDINGS))
    return sorted(each for each in inside if _is_shown(each) and not each.is_dir())


def _is_shown(path: Path) -> bool:
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise DataError(f"the name {path.name!a} is no text", path.parent) from None
    return not path.name.startswith(".")


def _instead(folder: Path) -> str:
    """What a folder without images may have been meant for."""
    endings = sorted({path.suffix for path in folder.iterdir() if path.suffix and _is_shown(path)})
    if endings:
        return f"for the files in it, give a pattern: {folder.name}/*{endings[0]}"
    return f"their names end with {listed(ENDINGS, most=len(ENDINGS))}"


def _array(module: Any, image: Any, size: tuple[int, int] | None, color: str | None) -> Array:
    """The numbers of an open image, (H, W, 1 or 3) uint8."""
    image = extra("PIL.ImageOps", "Pillow", "images", "images are read").exif_transpose(image)
    is_grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")
    if image.mode.startswith("I;16"):
        image = module.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError("its points are not bytes")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = module.alpha_composite(module.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if (color or ("grey" if is_grey else "rgb")) == "grey" else "RGB")
    if size:
        image = image.resize(size[::-1], module.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1)
