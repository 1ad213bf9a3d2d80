"""What is said of a candidate: to the dashboard with its figures, to the shopper, to the analyst.

Copy never states what is not known: "often bought together" is said of measured pairs only.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onegenie.recommend.v1 import recommend_pb2
from onegenie.store.v1 import store_pb2

from core.shop.lift.port import MIN_CO_COUNT, MIN_CUSTOMERS, PRIOR_CUSTOMERS
from core.shop.meal.models import LANGUAGES, Language
from core.shop.recommend import phrases
from core.shop.recommend.choosing.candidates import (
    DEARER,
    IMPULSE,
    LEAST_LIFT,
    Candidate,
)
from core.shop.recommend.choosing.evidence import (
    BoughtTogether,
    LowPrice,
    MissingSection,
    Nearby,
    PriceStep,
    Recommended,
)
from core.shop.recommend.names import Word, name_in, short_name


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one candidate. `comment` is for the analyst, in the store's language."""

    detail: recommend_pb2.LocalizedText
    marketing: recommend_pb2.LocalizedText
    comment: str


def write(candidate: Candidate, language: Language) -> Texts:
    """Write a candidate's texts. `language` is the store's own, that of the comment."""
    match candidate.evidence:
        case BoughtTogether() as evidence:
            return _bought_together(candidate, evidence, language)
        case PriceStep() as evidence:
            return _price_step(candidate.product, evidence, language)
        case LowPrice() as evidence:
            return _low_price(candidate.product, evidence, language)
        case MissingSection():
            return _missing_section(candidate.product, language)
        case Nearby() as evidence:
            return _nearby(candidate.product, evidence, language)
        case Recommended(item):
            detail = item.reason_detail
            return Texts(detail, item.reason_detail_marketing, getattr(detail, language))


def _bought_together(candidate: Candidate, evidence: BoughtTogether, language: Language) -> Texts:
    product, anchor, best = candidate.product, evidence.anchor, evidence.pairs[0]
    detail = localized(
        phrases.PAIR_FIGURES,
        product=product,
        anchor=anchor,
        full=True,
        tag=candidate.reason.capitalize(),
        lift=best.lift,
        confidence=best.confidence,
        co_count=best.co_count,
        customers=best.customers,
        support=best.support,
    )
    score, others = candidate.score, len(evidence.pairs) - 1
    if language == "ko":
        comment = (
            f"{anchor.name}({anchor.id}) → {product.name}({product.id}): lift {best.lift:.2f}"
            f" (고객 {best.customers}명, 수축 k={PRIOR_CUSTOMERS}), CVR {best.confidence:.1%},"
            f" support {best.support:.2%}, 동시 구매 {best.co_count}건."
            f" 점수 {score:.3f}, 함께 근거가 된 목록 상품 {others}개."
            f" 기준: co_count ≥ {MIN_CO_COUNT}, 고객 ≥ {MIN_CUSTOMERS}, lift ≥ {LEAST_LIFT}."
        )
    else:
        comment = (
            f"{anchor.name} ({anchor.id}) → {product.name} ({product.id}): lift {best.lift:.2f}"
            f" ({best.customers} customers, shrinkage k={PRIOR_CUSTOMERS}), CVR"
            f" {best.confidence:.1%}, support {best.support:.2%}, {best.co_count} baskets."
            f" Score {score:.3f}; {others} other listed products point to it too."
            f" Thresholds: co_count ≥ {MIN_CO_COUNT}, customers ≥ {MIN_CUSTOMERS}, lift ≥"
            f" {LEAST_LIFT}."
        )
    copy = _copy_of_pairs(product)
    if candidate.reason == IMPULSE:
        copy = _pick(phrases.TREAT, product)
    return Texts(detail, localized(copy, product=product, anchor=anchor), comment)


def _price_step(product: store_pb2.Product, evidence: PriceStep, language: Language) -> Texts:
    listed, alike = evidence.listed, evidence.alike
    more = product.price / listed.price - 1
    figures: Mapping[Language, str] = phrases.PRICE_FIGURES
    copy = _pick(phrases.DEARER, product)
    if evidence.cheaper > 0:
        figures = {k: v + phrases.UNIT_FIGURES[k] for k, v in phrases.PRICE_FIGURES.items()}
        copy = phrases.BIGGER
    detail = localized(
        figures,
        product=product,
        anchor=listed,
        full=True,
        a_price=money(listed.price, listed.price_unit),
        p_price=money(product.price, product.price_unit),
        more=more,
        alike=alike,
        cheaper=evidence.cheaper,
        unit=product.pack_unit,
    )
    if language == "ko":
        comment = (
            f"목록의 {Word(f'{listed.name}({listed.id})'):과} 같은 구역·종류의 상위 상품"
            f" {product.name}({product.id}): 가격 +{more:.0%}, 이름 일치 {alike:.0%}."
            f" 기준: 가격 {DEARER[0]:g}~{DEARER[1]:g}배."
        )
    else:
        comment = (
            f"Step up from {listed.name} ({listed.id}) on the list to {product.name}"
            f" ({product.id}), same section and kind: price +{more:.0%}, names {alike:.0%} alike."
            f" Bounds: {DEARER[0]:g} to {DEARER[1]:g} times the price."
        )
    return Texts(detail, localized(copy, product=product, anchor=listed, full=True), comment)


def _low_price(product: store_pb2.Product, evidence: LowPrice, language: Language) -> Texts:
    detail = localized(
        phrases.TREAT_FIGURES,
        product=product,
        section=section_name(product),
        p_price=money(product.price, product.price_unit),
        median=money(evidence.median, product.price_unit),
    )
    copy = localized(_pick(phrases.TREAT, product), product=product)
    return Texts(detail, copy, getattr(detail, language))


def _missing_section(product: store_pb2.Product, language: Language) -> Texts:
    detail = localized(
        phrases.SECTION_FIGURES,
        product=product,
        section=section_name(product),
        p_price=money(product.price, product.price_unit),
    )
    copy = localized(phrases.ROUND_OFF, product=product)
    return Texts(detail, copy, getattr(detail, language))


def _nearby(product: store_pb2.Product, evidence: Nearby, language: Language) -> Texts:
    listed = evidence.listed
    discount = percent(product.discount_pct)
    detail = localized(
        phrases.ZONE_FIGURES,
        product=product,
        anchor=listed,
        full=True,
        metres=evidence.metres,
        discount=discount,
    )
    copy = localized(phrases.NEARBY, product=product, anchor=listed, discount=discount)
    return Texts(detail, copy, getattr(detail, language))


def scores_comment(priority: float, applied: float, language: Language) -> str:
    """Write what the analyst reads of an offer's two scores, each 0 to 1."""
    if language == "ko":
        return f"우선순위 {priority:.3f} × 매장 가중치 → 적용 점수 {applied:.3f}."
    return f"Priority {priority:.3f} × store weighting → applied {applied:.3f}."


def localized(
    templates: Mapping[Language, str],
    *,
    product: store_pb2.Product,
    anchor: store_pb2.Product | None = None,
    full: bool = False,
    **values: Any,
) -> recommend_pb2.LocalizedText:
    """Fill templates with {p}, {a} (the two products' names) and the values.

    full: names as the store writes them, sizes included; otherwise short ones.
    A value may be a dict by language.
    """
    name = name_in if full else short_name
    texts = {}
    for language in LANGUAGES:
        words: dict[str, Any] = {
            key: value[language] if isinstance(value, dict) else value
            for key, value in values.items()
        }
        words["p"] = Word(name(product, language))
        if anchor is not None:
            words["a"] = Word(name(anchor, language))
        texts[language] = templates[language].format_map(words)
    return recommend_pb2.LocalizedText(**texts)


def money(amount: float, unit: str) -> str:
    """Write an amount with its currency: ₩1,500, $2.50, 980円."""
    number = f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"
    return f"{number}{unit}" if unit and unit[-1].isalpha() else f"{unit}{number}"


def percent(value: float) -> str:
    """Write a percentage as people do: 10, 12.5."""
    return f"{value:.1f}".removesuffix(".0")


def section_name(product: store_pb2.Product) -> dict[str, str]:
    """Return the section's name by language; the store's own for a section we do not know."""
    own = product.section_name or product.section_code
    return phrases.SECTIONS.get(product.section_code) or dict.fromkeys(LANGUAGES, own)


def _copy_of_pairs(product: store_pb2.Product) -> phrases.Copy:
    if product.section_code in phrases.NOT_FOOD:
        return _pick(phrases.TOGETHER, product)
    of_section = phrases.TOGETHER_BY_SECTION.get(product.section_code, (phrases.TABLE,))
    return _pick(phrases.TOGETHER + of_section, product)


def _pick(pool: tuple[phrases.Copy, ...], product: store_pb2.Product) -> phrases.Copy:
    """Pick one copy of a pool: for the same product always the same."""
    return pool[zlib.crc32(str(product.id).encode()) % len(pool)]
