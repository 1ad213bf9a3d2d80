"""What a room's pixels say: is the picture clear, where is clutter, what changed between two.

Everything is measured on a copy of `SIDE` pixels on its longer side, which bounds time and memory.
Imports OpenCV, so nothing but `embedded` imports this, and only when a picture is there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]

SIDE = 640
CELL = 16
"""Pixels of a cell's side; clutter is counted by cells, so that a few pixels' shift is nothing."""

# Of the strongest edges, how much steeper they are than when they are smoothed: drawn rooms 2.0
# and more, out of focus by 3 pixels 1.3, by 6 pixels 1.2.
SHARP = 1.3

# Detail above which a cell is clutter (see `detail`). A room whose furniture is patterned all over
# raises it, up to the second figure. Measured on drawn rooms: docs/room/vision.md.
CLUTTER, CLUTTER_LIMIT = 0.8, 1.6

HEART = 3.0
"""See `things`."""

LONG = 0.095
"""Of the longer side: a straight line of that length is no thing's that lies about."""

# Same room: matches that one perspective explains, and their share of all matches. Drawn rooms of
# one layout but other furniture reach 58 and .62, the same room from 30 cm away 76 and .67.
SAME_ROOM_MATCHES, SAME_ROOM_SHARE = 60, 0.4

# The check on that, which sees the whole picture: of the places with structure in the later
# picture, the share that look the same in the earlier one. docs/room/vision.md has the figures.
SAME_STRUCTURE = 0.77
STRUCTURE_SIDE = 240
COARSE_SIDE = 160
"""Pixels of the longer side of the copies that structure is compared on, and roughly laid over."""

SAME_PATTERN = 0.88
"""Likeness of a place in two pictures from which on nothing was taken away there."""

cv2.setNumThreads(1)  # the pool has its own threads: one core for each picture


class Flaw(Enum):
    """Why a picture can't be judged."""

    SMALL = auto()
    DARK = auto()
    BRIGHT = auto()
    EMPTY = auto()
    BLURRED = auto()
    NOISY = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """What happened between two pictures of one room, by cells of the earlier one."""

    changed: float
    """Share of the cells that look different, 0 to 1."""
    tidied: float
    """Share of the earlier clutter that is gone, less what is new: 1 all gone, below 0 messier."""
    thorough: float
    """The same, of the places alone where something changed."""
    left: Array
    """Clutter of the later picture, by cells."""


def working_copy(picture: Image.Image, side: int = SIDE) -> Array:
    """Return RGB pixels: at most `side` on the longer side, at least one on the other."""
    ratio = min(side / max(picture.size), 1.0)
    size = (max(round(picture.width * ratio), 1), max(round(picture.height * ratio), 1))
    return np.array(picture.convert("RGB").resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def enlarged(pixels: Array) -> Array:
    """Enlarge to at least `SIDE` pixels on the longer side: constants are measured on that."""
    ratio = SIDE / max(pixels.shape[:2])
    if ratio <= 1:
        return pixels
    return cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_CUBIC)


def flaw(pixels: Array) -> Flaw | None:
    """Return why these pixels can't be judged; None if they can."""
    if min(pixels.shape[:2]) < 96:
        return Flaw.SMALL
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    low, middle, high = np.percentile(grey, (5, 50, 95))
    if high < 64 or middle < 20:
        return Flaw.DARK
    if low > 200 or middle > 248:
        return Flaw.BRIGHT
    if high - low < 16:
        return Flaw.EMPTY
    # A 3x3 kernel that is blind to what is smooth sees noise alone (Immerkær's estimate).
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)).mean()
    if noise > 25:
        return Flaw.NOISY
    # A sharp step loses most of its slope when it is smoothed, one that is blurred little.
    fine, coarse = _slope(grey, 0.8), _slope(grey, 2.4)
    steps = coarse >= max(np.percentile(coarse, 99), 1e-3)
    sharpness = float(np.percentile(fine[steps] / coarse[steps], 75))
    return Flaw.BLURRED if sharpness < SHARP else None


def _slope(grey: Array, sigma: float) -> Array:
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), sigma)
    return np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))


def detail(pixels: Array, valid: Array | None = None) -> Array:
    """Measure how much each place looks like things lying about; 0 for a plain surface.

    Three measures multiplied. Slopes in more than one direction: a plank's joints or a blanket's
    stripes go one way, a heap goes all ways; long straight lines are furniture's and don't count.
    Colours that the picture has little of: walls, floor and bedding have much of theirs. Height in
    the picture: what is high up hangs or stands where it belongs.
    """
    lab: Array = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 1:] *= 1.5
    lab = cv2.GaussianBlur(lab, (0, 0), 1.5)
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0) / 4, cv2.Sobel(lab, cv2.CV_32F, 0, 1) / 4
    products = (_dot(across, across), _dot(down, down), _dot(across, down))
    # One hard edge is no more clutter than a softer one: slopes count up to a limit.
    counted = 1 / np.maximum((products[0] + products[1]) / 12**2, 1)
    counted[_long_lines(pixels) > 0] = 0
    xx, yy, xy = (cv2.GaussianBlur(product * counted, (0, 0), 7) for product in products)
    # The smaller eigenvalue of the structure tensor: slopes across the main direction.
    smaller = (xx + yy - np.sqrt((xx - yy) ** 2 + 4 * xy**2)) / 2
    rows = np.linspace(0, 1, len(pixels), dtype=np.float32)[:, None]
    weight = np.clip((rows - 0.25) / 0.35, 0.05, 1)
    result: Array = np.sqrt(np.maximum(smaller, 0)) * _rarity(pixels, valid) * weight
    return result


def _dot(one: Array, other: Array) -> Array:
    result: Array = np.einsum("ijk,ijk->ij", one, other)
    return result


def _long_lines(pixels: Array) -> Array:
    """Return 255 along straight lines of `LONG` or more: edges of furniture and floor."""
    height, width = pixels.shape[:2]
    found = np.zeros((height, width), np.uint8)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    segments = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if segments is not None:
        for x, y, to_x, to_y in segments.reshape(-1, 4).tolist():
            if np.hypot(to_x - x, to_y - y) > LONG * max(height, width):
                cv2.line(found, (round(x), round(y)), (round(to_x), round(to_y)), 255, 1)
    return cv2.dilate(found, np.ones((9, 9), np.uint8))


def _rarity(pixels: Array, valid: Array | None) -> Array:
    """Return 0 where a tenth of the picture or more has the colour, 1 for a ten-thousandth."""
    lab: Array = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 2), cv2.COLOR_RGB2LAB)
    shares: Array = cv2.calcHist([lab], [0, 1, 2], valid, [16, 32, 32], [0, 256] * 3)
    shares = shares / max(float(shares.sum()), 1.0)
    for axis in range(3):  # neighbouring colours count by halves
        line = np.moveaxis(shares, axis, 0)
        smooth = line * 0.5
        smooth[1:] += 0.25 * line[:-1]
        smooth[:-1] += 0.25 * line[1:]
        shares = np.moveaxis(smooth, 0, axis)
    share = shares[lab[..., 0] >> 4, lab[..., 1] >> 3, lab[..., 2] >> 3]
    rare = np.clip(-np.log10(share + 1e-4) - 1, 0, 3) / 3
    return cv2.GaussianBlur(rare.astype(np.float32), (0, 0), 3)


def cells(values: Array) -> Array:
    """Return averages of `CELL` by `CELL` pixels."""
    height, width = values.shape[:2]
    size = (max(width // CELL, 1), max(height // CELL, 1))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def threshold(details: Array) -> float:
    """Return the detail above which a place is clutter, for a picture with these details."""
    lower = details[details.shape[0] // 3 :]
    return float(np.clip(2 * np.median(lower), CLUTTER, CLUTTER_LIMIT))


def things(details: Array, limit: float) -> Array:
    """Return the details that are above `limit` and belong to a thing; 0 elsewhere.

    A thing has a heart of `HEART` times that much; where furniture merely meets has none.
    """
    patches: Array
    count, patches = cv2.connectedComponents((details > limit).astype(np.uint8))
    strongest = np.zeros(count, np.float32)
    np.maximum.at(strongest, patches.ravel().astype(np.intp), details.ravel())
    found = strongest >= HEART * limit
    found[0] = False  # what is below the limit
    result: Array = details * found[patches]
    return result


def clutter(details: Array, limit: float | None = None) -> Array:
    """Return clutter by cells: the detail of things, above the threshold."""
    limit = threshold(details) if limit is None else limit
    return cells(np.maximum(things(details, limit) - limit, 0))


def amount(by_cells: Array) -> float:
    """Return the clutter of a whole picture: its average over the cells."""
    return float(by_cells.mean())


def same_view(before: Array, after: Array) -> Array | None:
    """Find the perspective that lays `after` over `before`, 3x3; None for another room.

    Small pictures have few corners to match. What too few matches say, and failing that what the
    pictures' patterns say when they are laid over each other, counts where the structure agrees.
    """
    matrix, sure = _by_corners(before, after)
    if sure:
        return matrix
    if matrix is not None and structure_kept(before, after, matrix) >= SAME_STRUCTURE:
        return matrix
    matrix = _by_patterns(before, after)
    if matrix is not None and structure_kept(before, after, matrix) >= SAME_STRUCTURE:
        return matrix
    return None


def _by_corners(before: Array, after: Array) -> tuple[Array | None, bool]:
    """Find the perspective that most ORB matches agree on.

    Return it, and whether the matches are enough to believe it.
    """
    orb = cv2.ORB.create(1500, fastThreshold=7)
    light = cv2.createCLAHE(3, (8, 8))
    (earlier, first), (later, second) = (
        orb.detectAndCompute(light.apply(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY)), None)
        for each in (before, after)
    )
    if min(len(earlier), len(later)) < 2:
        return None, False
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(second, first, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.8 * p[1].distance]
    if len(good) < 8:
        return None, False
    source = np.array([later[m.queryIdx].pt for m in good], np.float32)
    target = np.array([earlier[m.trainIdx].pt for m in good], np.float32)
    matrix, fits = cv2.findHomography(
        source, target, cv2.USAC_MAGSAC, 4.0, maxIters=3000, confidence=0.999
    )
    if matrix is None or not _plausible(matrix, before, after):
        return None, False
    found = int(fits.sum())
    return matrix, found >= SAME_ROOM_MATCHES and found >= SAME_ROOM_SHARE * len(good)


def _by_patterns(before: Array, after: Array) -> Array | None:
    """Find the perspective under which the two pictures' light and dark go together best.

    Sought from the same place on: a few degrees and a tenth of the picture away are found.
    """
    (earlier, shrunk), (later, other_shrunk) = (
        _shrunk(each, COARSE_SIDE) for each in (before, after)
    )
    first, second = _evened(earlier), _evened(later)
    # From the earlier picture's places to the later's, which is the way that OpenCV looks for.
    way = np.eye(2, 3, dtype=np.float32)
    way[:, 2] = (np.array(later.shape[::-1]) - np.array(earlier.shape[::-1])) / 2
    try:
        for smooth in (9, 5):
            way = _climb(first, second, way, motion=cv2.MOTION_AFFINE, smooth=smooth)
        whole = np.vstack([way, [0, 0, 1]]).astype(np.float32)
        whole = _climb(first, second, whole, motion=cv2.MOTION_HOMOGRAPHY, smooth=5)
        matrix: Array = np.linalg.inv(
            np.diag([1 / other_shrunk, 1 / other_shrunk, 1]) @ whole @ np.diag([shrunk, shrunk, 1])
        )
    except (cv2.error, np.linalg.LinAlgError):
        return None  # they go together nowhere
    return matrix if _plausible(matrix, before, after) else None


def _climb(first: Array, second: Array, way: Array, *, motion: int, smooth: int) -> Array:
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-4)
    nothing_masked = np.full(first.shape, 255, np.uint8)
    result: Array = cv2.findTransformECC(first, second, way, motion, until, nothing_masked, smooth)[
        1
    ]
    return result


def _shrunk(pixels: Array, side: int) -> tuple[Array, float]:
    """Return a grey copy of `side` pixels on the longer side, and its scale."""
    ratio = side / max(pixels.shape[:2])
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, None, fx=ratio, fy=ratio, interpolation=how), ratio


def _evened(grey: Array) -> Array:
    """Return light and dark against what is around, of one strength everywhere."""
    values = grey.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), 8)
    result: Array = values / np.sqrt(cv2.GaussianBlur(values * values, (0, 0), 8) + 9)
    return result


def structure_kept(before: Array, after: Array, matrix: Array) -> float:
    """Return the share of the structure in `after` that is in `before` too, under `matrix`.

    Structure is what has slopes in more than one direction: a straight edge fits any other. Things
    that are gone don't count against it, since it is asked of what is there afterwards.
    """
    block, reach = 11, 2
    (earlier, shrunk), (later, other_shrunk) = (
        _shrunk(each, STRUCTURE_SIDE) for each in (before, after)
    )
    enlarging = np.diag([1 / other_shrunk, 1 / other_shrunk, 1])
    laying = np.diag([shrunk, shrunk, 1]) @ matrix @ enlarging
    height, width = earlier.shape
    laid = cv2.warpPerspective(later, laying, (width, height), borderMode=cv2.BORDER_REPLICATE)
    valid = cv2.warpPerspective(np.full(later.shape, 255, np.uint8), laying, (width, height))
    inside = np.zeros_like(valid)
    inside[block:-block, block:-block] = valid[block:-block, block:-block]
    one, other = (cv2.GaussianBlur(each.astype(np.float32), (0, 0), 1) for each in (earlier, laid))

    def mean(values: Array) -> Array:
        return cv2.blur(values, (block, block))

    across, down = cv2.Sobel(other, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(other, cv2.CV_32F, 0, 1) / 8
    xx, yy, xy = mean(across * across), mean(down * down), mean(across * down)
    smaller = (xx + yy - np.sqrt((xx - yy) ** 2 + 4 * xy * xy)) / 2
    strength = np.sqrt(np.maximum(smaller, 0))
    strength = np.where((strength > 1) & (inside > 0), np.minimum(strength, 4), 0)
    total = float(strength.sum())
    if total < 1:
        return 0.0
    # The correlation of each place with the best of the places around it: see _difference.
    noise = 0.5
    middle = mean(other)
    spread = np.maximum(mean(other * other) - middle * middle, noise)
    padded = cv2.copyMakeBorder(one, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    best = np.full((height, width), -1, np.float32)
    for y, x in itertools.product(range(2 * reach + 1), repeat=2):
        moved = padded[y : y + height, x : x + width]
        theirs = mean(moved)
        theirs_spread = np.maximum(mean(moved * moved) - theirs * theirs, noise)
        alike = (mean(moved * other) - theirs * middle) / np.sqrt(theirs_spread * spread)
        np.maximum(best, alike, out=best)
    return float(strength[best > 0.9].sum()) / total


def _plausible(matrix: Array, before: Array, after: Array) -> bool:
    """Return whether a perspective is believable.

    The later picture, laid over the earlier, must still be a picture and cover enough of it.
    """
    if not np.isfinite(matrix).all():
        return False
    height, width = after.shape[:2]
    corners = np.array([[[0, 0]], [[width, 0]], [[width, height]], [[0, height]]], np.float32)
    laid = cv2.perspectiveTransform(corners, matrix)
    if not np.isfinite(laid).all() or not cv2.isContourConvex(laid):
        return False
    frame = np.array(
        [[0, 0], [before.shape[1], 0], before.shape[1::-1], [0, before.shape[0]]], np.float32
    )
    common, _ = cv2.intersectConvexConvex(laid, frame)
    return common > 0.4 * before.shape[0] * before.shape[1]


def change(before: Array, after: Array, matrix: Array) -> Change:
    """Compare two pictures of one room; `matrix` lays `after` over `before`."""
    height, width = before.shape[:2]
    laid = cv2.warpPerspective(after, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(after.shape[:2], 255, np.uint8)
    valid = cv2.warpPerspective(whole, matrix, (width, height))
    valid = cv2.erode(valid, np.ones((9, 9), np.uint8))
    laid = _relit(laid, before, valid)
    seen = cells(valid) > 200
    if not seen.any():
        return Change(0.0, 0.0, 0.0, np.zeros(seen.shape, np.float32))

    first, second = detail(before, valid), detail(laid, valid)
    limit = max(threshold(np.minimum(first, second)), CLUTTER)
    earlier, later = clutter(first, limit) * seen, clutter(second, limit) * seen
    # Where the pattern is still there, so is the thing, however pale it has become.
    later = np.maximum(later, earlier * cells((_likeness(before, laid) > SAME_PATTERN) * 1.0))
    different = (cells((_difference(before, laid) > 12).astype(np.float32)) > 0.25) & seen
    near = cv2.dilate(different.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0

    gone = float((np.maximum(earlier - later, 0) * near).sum())
    new = float((np.maximum(later - earlier, 0) * near).sum())
    both = np.minimum(earlier, later)
    return Change(
        changed=float(different.sum() / seen.sum()),
        tidied=_share(gone - new, gone + float(both.sum())),
        thorough=_share(gone - new, gone + float((both * near).sum())),
        left=later,
    )


def _share(part: float, whole: float) -> float:
    return max(-1.0, part / whole) if whole > 1e-3 else (-1.0 if part < -1e-3 else 0.0)


def _relit(picture: Array, model: Array, valid: Array) -> Array:
    """Return the picture in the light of `model`: a gain for each colour that may slope across it.

    Fitted where the two agree best, so that what was tidied has no say in it.
    """
    height, width = model.shape[:2]
    step = 8
    theirs, ours = (
        cv2.GaussianBlur(each, (0, 0), 3)[::step, ::step].reshape(-1, 3).astype(np.float32) + 4
        for each in (model, picture)
    )
    rows, columns = np.mgrid[0:height:step, 0:width:step].astype(np.float32)
    place = np.stack(
        [np.ones(rows.size), columns.ravel() / width - 0.5, rows.ravel() / height - 0.5], 1
    )
    usable = (valid[::step, ::step].ravel() > 0) & (theirs.max(1) < 245) & (ours.max(1) < 245)
    if usable.sum() < 60:
        return picture
    ratio = np.log(theirs / ours)
    kept = usable & (np.abs(ratio - np.median(ratio[usable], 0)) < 0.35).all(1)
    fitted = None
    for _ in range(4):
        if kept.sum() < 40:
            break
        fitted = np.linalg.lstsq(place[kept], ratio[kept], rcond=None)[0]
        error = np.abs(ratio - place @ fitted).max(1)
        kept = usable & (error < max(2 * float(np.median(error[usable])), 0.03))
    if fitted is None:
        return picture
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :, None]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None, None]
    gain = np.exp(np.clip(fitted[0] + across * fitted[1] + down * fitted[2], -2, 2))
    return np.clip(picture * gain, 0, 255).astype(np.uint8)


def _likeness(first: Array, second: Array) -> Array:
    """Measure how alike the patterns of light and dark are around each place.

    1 for the same, whatever their contrast; 0 where one has none. A haze or a filter takes the
    contrast, and with it what looks like clutter, from a whole picture at once, but leaves the
    patterns.
    """

    def smooth(values: Array) -> Array:
        return cv2.GaussianBlur(values, (0, 0), 6)

    one, other = (
        cv2.GaussianBlur(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
        for each in (first, second)
    )
    one, other = one - smooth(one), other - smooth(other)
    noise = 1.0  # square of what is no pattern
    result: Array = smooth(one * other) / np.sqrt(
        (smooth(one * one) + noise) * (smooth(other * other) + noise)
    )
    return result


def _difference(first: Array, second: Array) -> Array:
    """Return the colour difference of each place to the best within 6 pixels each way.

    A step aside shifts near things against far ones, which no one perspective undoes.
    """
    weights = np.array([0.7, 1.4, 1.4], np.float32)
    one, other = (
        cv2.cvtColor(cv2.GaussianBlur(each, (0, 0), 2), cv2.COLOR_RGB2LAB)[::2, ::2] * weights
        for each in (first, second)
    )
    padded = cv2.copyMakeBorder(other, 3, 3, 3, 3, cv2.BORDER_REPLICATE)
    height, width = one.shape[:2]
    best = np.full((height, width), np.inf, np.float32)
    for y, x in itertools.product((0, 2, 3, 4, 6), repeat=2):
        gap = one - padded[y : y + height, x : x + width]
        np.minimum(best, _dot(gap, gap), out=best)
    return cv2.resize(np.sqrt(best), (first.shape[1], first.shape[0]))
