"""Draws rooms with known clutter: a small scene of textured boxes before a pinhole camera.

Everything follows from seeds. A room's things are drawn in perspective from where the camera
stands, so that a step aside moves near things further than far ones, as it does in photographs.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from PIL import Image

WIDTH, DEPTH, HEIGHT = 4.2, 4.0, 2.5  # of the room, metres
SIZE = (800, 600)  # of a picture, pixels

Array = np.ndarray[Any, np.dtype[Any]]
Colour = tuple[int, int, int]

CLOTH = [
    (52, 78, 130), (170, 60, 60), (60, 60, 66), (214, 196, 160), (90, 130, 90),
    (222, 222, 226), (120, 80, 130), (226, 160, 60), (70, 140, 160), (40, 44, 72),
]  # fmt: skip
KINDS = ("cloth", "cloth", "cloth", "book", "box", "bottle", "paper", "sock", "bag", "cup", "toy")
# About how much of a picture each covers: metres.
SPREAD = {
    "cloth": 0.5, "blanket": 0.8, "sock": 0.2, "paper": 0.3, "book": 0.3, "box": 0.45, "toy": 0.2,
    "bag": 0.45, "bottle": 0.2, "cup": 0.12,
}  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """How a picture is taken. Metres, degrees; light 1.0 is as drawn."""

    step: tuple[float, float, float] = (0.0, 0.0, 0.0)  # right, up, forward
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw, pitch, roll
    zoom: float = 1.0
    light: float = 1.0
    warmth: float = 0.0  # -1 blue to 1 yellow
    side: float = 0.0  # how much brighter the right is than the left
    noise: float = 2.0  # standard deviation, of 255
    blur: float = 0.0  # pixels
    quality: int = 88  # of the JPEG it has been through
    seed: int = 0

    @classmethod
    def jittered(cls, seed: int, amount: float = 1.0) -> Shot:
        """Somebody's next photo from about the same place, at another time of the day."""
        r = random.Random(seed)

        def around(limit: float) -> float:
            return r.uniform(-limit, limit) * amount

        return cls(
            step=(around(0.12), around(0.08), around(0.12)),
            turn=(around(3.0), around(2.0), around(1.5)),
            zoom=1 + around(0.05),
            light=1 + around(0.22),
            warmth=around(0.6),
            side=around(0.2),
            noise=r.uniform(1.0, 5.0),
            quality=r.randint(72, 94),
            seed=seed,
        )


@dataclass(frozen=True)
class Thing:
    """One piece of clutter: what, how it looks, and where it lies."""

    kind: str
    seed: int
    place: str  # "floor", "bed" or "desk"
    u: float  # 0 to 1 across the place
    v: float  # 0 to 1, from front to back
    angle: float  # radians
    scale: float = 1.0


@dataclass
class _Scene:
    canvas: Array
    rotation: Array
    eye: Array
    focal: float
    quads: list[tuple[float, Array, Array, Array | None]] = field(default_factory=list)

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels of points in the room, and how far each is."""
        local = (points - self.eye) @ self.rotation.T
        depth = np.maximum(local[:, 2], 0.05)
        height, width = self.canvas.shape[:2]
        x = width / 2 + self.focal * local[:, 0] / depth
        y = height / 2 - self.focal * local[:, 1] / depth
        return np.stack([x, y], axis=1).astype(np.float32), local[:, 2]

    def quad(
        self, corners: Array, texture: Array, alpha: Array | None = None, shade: float = 1.0
    ) -> None:
        """Paint a texture on four corners, clockwise from its top left."""
        pixels, depth = self.project(np.asarray(corners, np.float64))
        if depth.min() < 0.1:
            return
        height, width = self.canvas.shape[:2]
        left, top = np.floor(pixels.min(0)).astype(int) - 1
        right, bottom = np.ceil(pixels.max(0)).astype(int) + 2
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, width), min(bottom, height)
        if right - left < 2 or bottom - top < 2:
            return
        h, w = texture.shape[:2]
        source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
        # A texture much finer than its place on the picture would alias: shrink it first.
        span = max(np.linalg.norm(pixels[0] - pixels[1]), np.linalg.norm(pixels[3] - pixels[2]))
        if span < w * 0.6:
            ratio = max(span / w, 0.05)
            texture = cv2.resize(texture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
            if alpha is not None:
                alpha = cv2.resize(alpha, (texture.shape[1], texture.shape[0]))
            source = np.array(
                [[0, 0], [texture.shape[1], 0], [texture.shape[1], texture.shape[0]],
                 [0, texture.shape[0]]], np.float32,
            )  # fmt: skip
        matrix = cv2.getPerspectiveTransform(source, pixels - np.array([left, top], np.float32))
        size = (int(right - left), int(bottom - top))
        cover = np.full(texture.shape[:2], 255, np.uint8) if alpha is None else alpha
        drawn = cv2.warpPerspective(texture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        opaque = cv2.warpPerspective(cover, matrix, size)[..., None].astype(np.float32) / 255
        part = self.canvas[top:bottom, left:right]
        part[:] = part * (1 - opaque) + drawn.astype(np.float32) * shade * opaque

    def cuboid(
        self,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        angle: float,
        front: Array,
        side: Array,
        top: Array,
    ) -> None:
        """A box standing at `centre` (of its base): the faces that the camera sees."""
        w, h, d = size
        c, s = np.cos(angle), np.sin(angle)

        def at(x: float, y: float, z: float) -> tuple[float, float, float]:
            return (centre[0] + c * x - s * z, centre[1] + y, centre[2] + s * x + c * z)

        faces = [
            ((0, 0, -1), [(-1, 1, -1), (1, 1, -1), (1, 0, -1), (-1, 0, -1)], front, 0.88),
            ((0, 0, 1), [(1, 1, 1), (-1, 1, 1), (-1, 0, 1), (1, 0, 1)], front, 0.7),
            ((-1, 0, 0), [(-1, 1, 1), (-1, 1, -1), (-1, 0, -1), (-1, 0, 1)], side, 0.76),
            ((1, 0, 0), [(1, 1, -1), (1, 1, 1), (1, 0, 1), (1, 0, -1)], side, 0.72),
            ((0, 1, 0), [(-1, 1, 1), (1, 1, 1), (1, 1, -1), (-1, 1, -1)], top, 1.02),
        ]
        for normal, corners, texture, shade in faces:
            points = np.array([at(x * w / 2, y * h, z * d / 2) for x, y, z in corners])
            facing = np.array(at(*normal)) - np.array(at(0, 0, 0))
            if np.dot(facing, points.mean(0) - self.eye) < 0:
                self.quad(points, texture, None, shade)

    def flat(
        self, centre: tuple[float, float, float], size: tuple[float, float], angle: float,
        texture: Array, alpha: Array | None, shade: float = 1.0,
    ) -> None:  # fmt: skip
        """Something that lies flat."""
        c, s = np.cos(angle), np.sin(angle)
        points = [
            (centre[0] + c * x - s * z, centre[1], centre[2] + s * x + c * z)
            for x, z in (
                (-size[0] / 2, size[1] / 2), (size[0] / 2, size[1] / 2),
                (size[0] / 2, -size[1] / 2), (-size[0] / 2, -size[1] / 2),
            )
        ]  # fmt: skip
        self.quad(np.array(points), texture, alpha, shade)

    def upright(
        self, centre: tuple[float, float, float], size: tuple[float, float], texture: Array,
        alpha: Array | None,
    ) -> None:  # fmt: skip
        """Something round that stands, seen from anywhere alike."""
        x, y, z = centre
        w, h = size
        self.quad(
            np.array([(x - w / 2, y + h, z), (x + w / 2, y + h, z), (x + w / 2, y, z),
                      (x - w / 2, y, z)]), texture, alpha,
        )  # fmt: skip

    def shadow(self, centre: tuple[float, float, float], size: tuple[float, float]) -> None:
        """The soft dark patch below a thing."""
        black = np.zeros((48, 48, 3), np.uint8)
        disc = np.zeros((48, 48), np.uint8)
        cv2.circle(disc, (24, 24), 15, 110, -1)
        disc = cv2.GaussianBlur(disc, (0, 0), 4)  # type: ignore[assignment]
        self.flat((centre[0] + 0.02, centre[1] + 0.002, centre[2]), size, 0.0, black, disc)


class Room:
    """One room: its walls, its furniture, and what may lie about in it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        r = self._random = random.Random(f"room {seed}")
        self._numbers = np.random.default_rng(seed)
        self.mirrored = r.random() < 0.5  # bed on the right
        self.bed = (1.0 + r.uniform(-0.1, 0.1), 2.6 + r.uniform(-0.2, 0.2))  # centre x, z
        self.desk = (3.45 + r.uniform(-0.1, 0.05), 3.2 + r.uniform(-0.1, 0.2))
        self.wall = self._wall()
        self.side_wall = self._wall(self._wall_colour)
        self.floor = self._floor()
        self.blanket = self._blanket()
        self.wood = self._wood(
            r.choice([(150, 110, 70), (196, 160, 118), (92, 64, 44), (225, 222, 215)])
        )
        self.shelf = self._shelf()
        self.window = self._window()
        self.poster = self._poster()
        self.rug = self._rug() if r.random() < 0.5 else None
        self.poster_at = r.uniform(0.5, 1.4)

    # What a room is made of

    def _mottled(self, height: int, width: int, colour: Colour, grain: float, soft: float) -> Array:
        n = self._numbers
        fine = grain * n.standard_normal((height, width), np.float32)
        rough = n.standard_normal((6, 8), np.float32)
        rough = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
        tone = (fine + soft * rough)[..., None]
        return np.clip(np.array(colour, np.float32) + tone, 0, 255).astype(np.uint8)

    def _wall(self, colour: Colour | None = None) -> Array:
        r = self._random
        if colour is None:
            colour = r.choice(
                [
                    (232, 226, 214),
                    (214, 222, 228),
                    (225, 214, 198),
                    (206, 216, 200),
                    (236, 236, 236),
                ]
            )
            self._wall_colour = colour
            self._paper = r.choice(["plain", "plain", "stripes", "dots"])
        wall = self._mottled(500, 840, colour, 1.5, 4.0)
        darker = tuple(int(c * 0.955) for c in colour)
        if self._paper == "stripes":
            for x in range(0, 840, 56):
                cv2.rectangle(wall, (x, 0), (x + 26, 500), darker, -1)
        elif self._paper == "dots":
            for x in range(20, 840, 44):
                for y in range(20, 500, 44):
                    cv2.circle(wall, (x, y), 5, darker, -1)
        cv2.rectangle(wall, (0, 484), (840, 500), (238, 236, 230), -1)  # skirting
        cv2.line(wall, (0, 483), (840, 483), (170, 168, 160), 2)
        return wall

    def _wood(self, colour: Colour) -> Array:
        wood = self._mottled(160, 240, colour, 3.0, 7.0)
        for y in range(4, 160, 9):
            shift = self._numbers.integers(-10, 4)
            grain = tuple(int(max(c + shift, 0)) for c in colour)  # type: ignore[call-overload]
            cv2.line(wood, (0, y), (240, y + self._random.randint(-3, 3)), grain, 1)
        return wood

    def _floor(self) -> Array:
        r, n = self._random, self._numbers
        kind = r.choice(["planks", "planks", "carpet", "lino"])
        if kind == "planks":
            colour = r.choice([(176, 134, 92), (204, 172, 132), (128, 92, 64), (190, 180, 168)])
            floor = self._mottled(800, 840, colour, 2.5, 4.0)
            for index, x in enumerate(range(0, 840, 60)):
                start = (index % 3) * 130
                for y in range(-start, 800, 400):
                    tone = n.integers(-9, 10)
                    part = floor[max(y, 0) : max(y + 400, 0), x : x + 60]
                    part[:] = np.clip(part.astype(int) + tone, 0, 255)
                    cv2.line(floor, (x, y), (x + 60, y), tuple(int(c * 0.75) for c in colour), 2)
                cv2.line(floor, (x, 0), (x, 800), tuple(int(c * 0.75) for c in colour), 2)
            return floor
        if kind == "carpet":
            return self._mottled(800, 840, r.choice([(150, 146, 140), (176, 164, 146)]), 9.0, 4.0)
        return self._mottled(800, 840, r.choice([(206, 196, 176), (196, 186, 170)]), 2.5, 5.0)

    def _blanket(self) -> Array:
        r = self._random
        colour = r.choice([(180, 196, 214), (222, 214, 202), (146, 164, 150), (206, 172, 166)])
        blanket = self._mottled(300, 220, colour, 2.0, 7.0)
        self.blanket_colour = colour
        other = tuple(int(c * 0.86) for c in colour)
        pattern = r.choice(["plain", "stripes", "check", "plain"])
        if pattern in ("stripes", "check"):
            for y in range(0, 300, 40):
                cv2.rectangle(blanket, (0, y), (220, y + 14), other, -1)
        if pattern == "check":
            for x in range(0, 220, 40):
                cv2.rectangle(blanket, (x, 0), (x + 10, 300), other, -1)
        return blanket

    def _shelf(self) -> Array:
        """Boards with books standing in order: detail that isn't clutter."""
        r = self._random
        shelf = self._mottled(360, 200, (188, 158, 120), 2.0, 3.0)
        for board in range(3):
            top = 12 + board * 116
            cv2.rectangle(shelf, (10, top), (190, top + 100), (120, 98, 74), -1)
            x = 14
            width = r.randint(9, 15)
            colours = r.sample(CLOTH, 3)
            until = r.randint(90, 176)
            while x < until:
                tall = r.randint(76, 84)
                cv2.rectangle(
                    shelf, (x, top + 100 - tall), (x + width - 2, top + 100), r.choice(colours), -1
                )
                x += width
        return shelf

    def _window(self) -> Array:
        r = self._random
        sky = np.linspace((176, 206, 238), (232, 240, 246), 240)[:, None, :]
        window = np.repeat(sky, 260, axis=1).astype(np.uint8).copy()
        for _ in range(4):
            x = r.randint(0, 260)
            cv2.ellipse(window, (x, 240), (50, r.randint(20, 70)), 0, 0, 360, (132, 158, 120), -1)
        window = cv2.GaussianBlur(window, (0, 0), 2)  # type: ignore[assignment]
        cv2.rectangle(window, (0, 0), (259, 239), (246, 246, 244), 14)
        cv2.line(window, (130, 0), (130, 240), (246, 246, 244), 9)
        curtain = r.choice([(214, 206, 190), (170, 184, 196), (196, 170, 160)])
        for x in range(46):
            tone = 0.9 + 0.1 * np.sin(x / 3.2)
            shade = tuple(int(c * tone) for c in curtain)
            cv2.line(window, (x, 0), (x, 240), shade, 1)
            cv2.line(window, (259 - x, 0), (259 - x, 240), shade, 1)
        return window

    def _poster(self) -> Array:
        r = self._random
        poster = self._mottled(160, 120, r.choice(CLOTH), 2.0, 16.0)
        for _ in range(5):
            centre = (r.randint(10, 110), r.randint(10, 150))
            cv2.circle(poster, centre, r.randint(6, 26), r.choice(CLOTH), -1, cv2.LINE_AA)
        cv2.rectangle(poster, (0, 0), (119, 159), (40, 38, 36), 5)
        return poster

    def _rug(self) -> Array:
        r = self._random
        colour = r.choice(CLOTH)
        soft = tuple(int(c * 0.5 + 95) for c in colour)
        rug = self._mottled(200, 280, soft, 5.0, 4.0)  # type: ignore[arg-type]
        cv2.rectangle(rug, (12, 12), (268, 188), tuple(int(c * 0.8) for c in soft), 6)
        return rug

    # What lies about

    def clutter(self, count: int, seed: int = 0, floor: float = 0.6) -> tuple[Thing, ...]:
        """`count` things; `floor` is the share that lies on the floor."""
        r = random.Random(f"clutter {self.seed} {seed}")
        things: list[Thing] = []
        taken: list[tuple[str, float, float]] = []
        for index in range(count):
            place = "floor" if r.random() < floor else r.choice(["bed", "desk"])
            kind = r.choice(KINDS)
            if place == "desk":
                kind = r.choice(["book", "bottle", "paper", "cup", "book"])
            if index == 0 and floor < 1:
                place, kind = "bed", "blanket"  # an unmade bed
            u, v = r.random(), r.random()
            for _ in range(12):  # rather beside one another than on top
                near = [abs(u - a) + abs(v - b) < 0.16 for where, a, b in taken if where == place]
                if not any(near):
                    break
                u, v = r.random(), r.random()
            taken.append((place, u, v))
            things.append(
                Thing(kind, r.randrange(1 << 30), place, u, v, r.uniform(0, 6.28),
                      r.uniform(0.8, 1.25))
            )  # fmt: skip
        return tuple(things)

    def _place(self, thing: Thing) -> tuple[float, float, float]:
        if thing.place == "bed":
            return (self.bed[0] + (thing.u - 0.5) * 1.0, 0.47, self.bed[1] - 0.75 + thing.v * 1.1)
        if thing.place == "desk":
            return (self.desk[0] - 0.5 + thing.u * 0.95, 0.745, self.desk[1] - 0.2 + thing.v * 0.4)
        x = self.bed[0] + 0.95 + thing.u * 1.5
        return (x, 0.004, 0.8 + thing.v * 1.7)

    def _thing(self, scene: _Scene, thing: Thing) -> None:
        r = random.Random(thing.seed)
        x, y, z = self._place(thing)
        colour = r.choice(CLOTH)
        k = thing.scale
        dark = tuple(int(c * 0.72) for c in colour)
        if thing.kind in ("cloth", "sock", "blanket"):
            texture, alpha = _cloth(r, self.blanket_colour if thing.kind == "blanket" else colour)
            width = {"cloth": 0.55, "sock": 0.2, "blanket": 1.05}[thing.kind] * k
            scene.shadow((x, y, z), (width * 1.25, width * 1.15))
            # A heap: two smaller layers above the first.
            for layer, share in enumerate((1.0, 0.75)):
                up = 0.05 * layer * k
                scene.flat((x, y + 0.01 + up, z), (width * share, width * 0.85 * share),
                           thing.angle + layer, texture, alpha, 0.94 + 0.06 * layer)  # fmt: skip
        elif thing.kind == "paper":
            texture = np.full((60, 44, 3), 244, np.uint8)
            for line in range(8, 54, 6):
                cv2.line(texture, (5, line), (r.randint(20, 39), line), (120, 120, 130), 1)
            scene.flat((x, y + 0.006, z), (0.21 * k, 0.29 * k), thing.angle, texture, None)
            scene.flat((x + 0.07, y + 0.01, z - 0.05), (0.21 * k, 0.29 * k), thing.angle + 0.6,
                       texture, None, 0.96)  # fmt: skip
        elif thing.kind == "book":
            cover = np.full((48, 36, 3), colour, np.uint8)
            cv2.rectangle(cover, (6, 8), (30, 20), (235, 230, 215), -1)
            cv2.line(cover, (8, 34), (28, 34), (235, 230, 215), 2)
            pages = np.full((10, 36, 3), (228, 222, 206), np.uint8)
            cv2.line(pages, (0, 0), (35, 0), dark, 2)
            scene.shadow((x, y, z), (0.34 * k, 0.38 * k))
            for layer in range(r.randint(1, 3)):
                scene.cuboid((x, y + layer * 0.035, z), (0.19 * k, 0.035, 0.26 * k),
                             thing.angle + 0.4 * layer, pages, pages, cover)  # fmt: skip
        elif thing.kind in ("box", "toy"):
            tan = (178, 138, 96) if thing.kind == "box" else colour
            face = np.full((60, 80, 3), tan, np.uint8)
            face = np.clip(
                face + np.random.default_rng(thing.seed).normal(0, 3, face.shape), 0, 255
            )
            face = face.astype(np.uint8)
            cv2.rectangle(face, (34, 0), (46, 60), tuple(int(c * 0.85) for c in tan), -1)
            cv2.rectangle(face, (54, 34), (74, 52), (236, 232, 224), -1)
            size = 0.38 * k if thing.kind == "box" else 0.16 * k
            scene.shadow((x, y, z), (size * 1.5, size * 1.4))
            scene.cuboid((x, y, z), (size, size * 0.65, size * 0.8), thing.angle, face, face, face)
        elif thing.kind == "bag":
            texture, alpha = _cloth(r, colour)
            scene.shadow((x, y, z), (0.5 * k, 0.4 * k))
            scene.upright((x, y, z), (0.38 * k, 0.34 * k), texture, alpha)
        else:  # bottle, cup
            texture = np.full((64, 24, 3), colour, np.uint8)
            texture[:, 5:9] = np.minimum(np.array(colour) + 60, 255)
            texture[:, 19:] = dark
            alpha = np.zeros((64, 24), np.uint8)
            if thing.kind == "bottle":
                cv2.rectangle(alpha, (2, 18), (21, 63), 255, -1)
                cv2.rectangle(alpha, (8, 0), (15, 20), 255, -1)
                cv2.rectangle(texture, (2, 32), (21, 48), (238, 234, 226), -1)
                size2 = (0.1 * k, 0.28 * k)
            else:
                cv2.rectangle(alpha, (1, 4), (22, 63), 255, -1)
                cv2.ellipse(texture, (12, 6), (10, 4), 0, 0, 360, (70, 50, 40), -1)
                size2 = (0.1 * k, 0.13 * k)
            scene.shadow((x, y, z), (0.18 * k, 0.16 * k))
            scene.upright((x, y, z), size2, texture, alpha)

    # Pictures

    def picture(self, things: tuple[Thing, ...] = (), shot: Shot | None = None) -> Image.Image:
        """The room with `things` lying about, as `shot` takes it."""
        shot = shot or Shot()
        width, height = SIZE
        yaw, pitch, roll = np.radians(np.array(shot.turn) + np.array([0.0, -13.0, 0.0]))
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        cr, sr = np.cos(roll), np.sin(roll)
        rotation = (
            np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
            @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
            @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        )
        eye = np.array([WIDTH / 2, 1.65, -1.1]) + np.array(shot.step)
        scene = _Scene(np.zeros((height, width, 3), np.float32), rotation, eye, 620.0 * shot.zoom)
        self._draw(scene)
        # Far things first; what lies on furniture is drawn after it.
        for thing in sorted(things, key=lambda t: (t.place == "floor", -self._place(t)[2])):
            self._thing(scene, thing)
        canvas = scene.canvas[:, ::-1] if self.mirrored else scene.canvas
        return _developed(canvas, shot)

    def _draw(self, scene: _Scene) -> None:
        w, d, h = WIDTH, DEPTH, HEIGHT
        near = -0.6
        scene.canvas[:] = 60
        ceiling = np.full((40, 40, 3), (240, 238, 234), np.uint8)
        scene.quad(np.array([(0, h, near), (w, h, near), (w, h, d), (0, h, d)]), ceiling)
        scene.quad(np.array([(0, 0, d), (w, 0, d), (w, 0, near), (0, 0, near)]), self.floor)
        scene.quad(np.array([(0, h, d), (w, h, d), (w, 0, d), (0, 0, d)]), self.wall, None, 0.97)
        scene.quad(
            np.array([(0, h, near), (0, h, d), (0, 0, d), (0, 0, near)]), self.side_wall, None, 0.87
        )
        scene.quad(
            np.array([(w, h, d), (w, h, near), (w, 0, near), (w, 0, d)]), self.side_wall, None, 0.92
        )
        back = d - 0.01
        scene.quad(np.array([(1.75, 2.2, back), (2.85, 2.2, back), (2.85, 1.1, back),
                             (1.75, 1.1, back)]), self.window)  # fmt: skip
        p = self.poster_at
        scene.quad(np.array([(p, 2.0, back), (p + 0.5, 2.0, back), (p + 0.5, 1.35, back),
                             (p, 1.35, back)]), self.poster)  # fmt: skip
        scene.quad(np.array([(3.2, 2.25, back), (3.95, 2.25, back), (3.95, 1.15, back),
                             (3.2, 1.15, back)]), self.shelf)  # fmt: skip
        if self.rug is not None:
            scene.flat((2.6, 0.002, 1.7), (1.6, 1.1), 0.0, self.rug, None)
        x, z = self.bed
        scene.shadow((x, 0.0, z - 0.1), (2.0, 3.0))
        scene.cuboid((x, 0.0, z), (1.45, 0.25, 2.1), 0.0, self.wood, self.wood, self.wood)
        scene.cuboid((x, 0.25, z), (1.4, 0.2, 2.05), 0.0,
                     self.blanket[-60:], self.blanket[-60:], self.blanket)  # fmt: skip
        pillow = np.full((40, 80, 3), (240, 238, 232), np.uint8)
        cv2.rectangle(pillow, (0, 0), (79, 39), (205, 203, 198), 2)
        for side in (-0.33, 0.33):
            scene.cuboid((x + side, 0.45, z + 0.78), (0.55, 0.1, 0.36), 0.0, pillow, pillow, pillow)
        x, z = self.desk
        scene.shadow((x, 0.0, z), (1.6, 1.0))
        for leg in (-0.6, 0.6):
            scene.cuboid((x + leg, 0, z), (0.06, 0.7, 0.5), 0.0, self.wood, self.wood, self.wood)
        scene.cuboid((x, 0.7, z), (1.3, 0.04, 0.6), 0.0, self.wood[:20], self.wood[:20], self.wood)
        screen = np.full((40, 60, 3), (34, 36, 40), np.uint8)
        scene.cuboid((x + 0.3, 0.74, z + 0.2), (0.5, 0.32, 0.04), 0.0, screen, screen, screen)


def _cloth(r: random.Random, colour: Colour) -> tuple[Array, Array]:
    """A crumpled piece of cloth: a ragged outline, folds, perhaps stripes."""
    size = 96
    points = []
    for step in range(18):
        angle = step / 18 * 2 * np.pi
        radius = size * r.uniform(0.28, 0.47)
        points.append((size / 2 + radius * np.cos(angle), size / 2 + radius * np.sin(angle)))
    alpha = np.zeros((size, size), np.uint8)
    cv2.fillPoly(alpha, [np.array(points, np.int32)], 255, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)  # type: ignore[assignment]
    yy, xx = np.mgrid[0:size, 0:size]
    light = np.ones((size, size))
    for _ in range(5):
        a, phase, width = r.uniform(0, np.pi), r.uniform(0, 6.28), r.uniform(5, 12)
        light += 0.09 * np.sin((xx * np.cos(a) + yy * np.sin(a)) / width + phase)
    texture = np.repeat(np.array(colour, float)[None, None], size, 0).repeat(size, 1)
    if r.random() < 0.3:
        texture[(yy // 7) % 2 == 0] = np.minimum(np.array(colour) * 0.5 + 110, 255)
    texture = np.clip(texture * light[..., None], 0, 255).astype(np.uint8)
    return texture, alpha


def _developed(canvas: Array, shot: Shot) -> Image.Image:
    """The picture that a camera makes of a scene: light, noise, JPEG."""
    height, width = canvas.shape[:2]
    image = canvas * shot.light
    image *= 1 + shot.side * np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    image *= np.array([1 + 0.12 * shot.warmth, 1.0, 1 - 0.14 * shot.warmth])
    across = np.linspace(-1, 1, width)[None, :] ** 2 + np.linspace(-1, 1, height)[:, None] ** 2
    image *= (1 - 0.08 * across)[..., None]
    # A camera's curve flattens what is near white rather than cutting it off.
    bright = image > 210
    image[bright] = 210 + 45 * np.tanh((image[bright] - 210) / 60)
    numbers = np.random.default_rng(shot.seed)
    if shot.blur:
        image = cv2.GaussianBlur(image, (0, 0), shot.blur)  # type: ignore[assignment]
    image += shot.noise * numbers.standard_normal(image.shape, np.float32)
    picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    return recoded(picture, shot.quality)


def recoded(picture: Image.Image, quality: int) -> Image.Image:
    """The picture after another JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


@dataclass(frozen=True)
class Pair:
    """Two pictures, and whether the first room was tidied up into the second."""

    kind: str
    before: Image.Image
    after: Image.Image
    done: bool


# How many pairs of each kind `pairs` draws.
PAIRS = {
    "done": 9,
    "partly": 5,
    "hardly": 3,
    "moved": 3,
    "untouched": 2,
    "same photo": 4,
    "other room": 4,
    "reversed": 2,
    "unclear": 5,
}


def pairs(seed: int) -> Iterator[Pair]:
    """A pair for each of `PAIRS`, each of a room of its own, from another camera in other light."""
    index = 0
    for kind, count in PAIRS.items():
        for number in range(count):
            yield _pair(kind, number, seed * 1000 + index)
            index += 1


def _pair(kind: str, number: int, seed: int) -> Pair:
    r = random.Random(f"pair {seed}")
    room = Room(seed)
    things = room.clutter(r.randint(7, 20), seed)
    first, second = Shot.jittered(2 * seed), Shot.jittered(2 * seed + 1)
    # Every other one of the things from the largest down, so that half of what is seen is half.
    by_size = sorted(things, key=lambda t: -SPREAD[t.kind] * t.scale)
    after: tuple[Thing, ...] = {
        "done": tuple(by_size[-(number % 2) :]) if number % 2 else (),
        "partly": tuple(by_size[number % 2 :: 2]),
        "hardly": tuple(t for i, t in enumerate(by_size) if i % 5 != 2),
        "moved": room.clutter(len(things), seed + 1),
        "untouched": things,
    }.get(kind, ())
    if kind == "same photo":
        photo = room.picture(things, first)
        return Pair(kind, photo, _resent(photo, number), False)
    if kind == "other room":
        other = Room(seed + 500)
        return Pair(kind, room.picture(things, first), other.picture((), second), False)
    if kind == "reversed":
        return Pair(kind, room.picture((), first), room.picture(things, second), False)
    if kind == "unclear":
        before, tidied = room.picture(things, first), room.picture((), second)
        match number % 5:
            case 0:
                tidied = room.picture((), replace(second, blur=6.0))
            case 1:
                before = room.picture(things, replace(first, light=0.12))
            case 2:
                tidied = room.picture((), replace(second, light=6.0))
            case 3:
                tidied = Image.new("RGB", SIZE, (190, 180, 170))
            case _:
                before = before.resize((64, 48))
        return Pair(kind, before, tidied, False)
    return Pair(kind, room.picture(things, first), room.picture(after, second), kind == "done")


def _resent(photo: Image.Image, number: int) -> Image.Image:
    """The same photo as a phone may send it once more."""
    width, height = photo.size
    match number % 4:
        case 0:
            return photo.copy()
        case 1:
            return recoded(photo, 55)
        case 2:
            return recoded(photo.crop((12, 9, width - 16, height - 12)).resize(photo.size), 85)
        case _:
            return recoded(photo.point([min(int(v * 1.15) + 6, 255) for v in range(256)] * 3), 85)
