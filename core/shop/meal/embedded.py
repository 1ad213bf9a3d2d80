"""The embedded meal engine: catalogue, parser and sentence vectors, no network.

The same request always gives the same meal: where several dishes suit equally well, a hash of
prompt, shopper and history picks one.
"""

import asyncio
import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.shop.meal import conversation, phrases, vectors
from core.shop.meal.catalogue import DISH_SERVINGS, EQUALS, Catalogue, Dish, Part, catalogue
from core.shop.meal.conversation import is_minor
from core.shop.meal.lexicon import lexicon
from core.shop.meal.models import Constraints, Meal, MealIngredient, MealRequest, Swap
from core.shop.meal.parser import EXTRAS, Parser
from core.shop.meal.port import MealError

GUESTS = 4  # servings when friends come and no number is given
# Tags a dish has in common with another of its kind ("카레 말고" excepted).
FAMILIES = frozenset(
    {
        *("curry", "stew", "soup", "hotpot", "noodle", "ramen", "udon"),
        *("soba", "pasta", "donburi", "fried_rice", "bibimbap", "gimbap", "porridge"),
        *("pancake", "grilled", "stir_fry", "fried", "braised", "salad", "sandwich"),
        *("steak", "pizza", "burger", "dumpling", "tteokbokki", "sushi", "cutlet"),
        *("gratin"),
    }
)
# Sorts of dishes that want asking for.
UNUSUAL = frozenset({"side", "raw", "snack", "sweet", "breakfast", "cold_dish"})
# Kinds so wide that none of them is the usual one.
VARIED = frozenset({"pasta", "salad", "soup", "donburi", "noodle", "porridge", "stew"})
# How much better a dish is for each thing asked for.
TITLE, KIND, WANTED, MOOD, PERSONA, HOME = 40.0, 20.0, 15.0, 5.0, 1.0, 0.5
RELAXED = 9.0  # at most: a dish asked for by name beats time and budget
Nearest = Callable[[str], Sequence[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an ingredient: replaced by another key, or left out (`new` None)."""

    old: str
    new: str | None
    asked: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """A dish made to fit: its parts (for `DISH_SERVINGS`) and what was changed."""

    dish: Dish
    parts: tuple[tuple[str, float], ...]
    changes: tuple[Change, ...]


class EmbeddedMealEngine:
    """See the module's docstring. `nearest` finds dishes by meaning; tests may replace it."""

    def __init__(self, nearest: Nearest = vectors.nearest) -> None:
        self._catalogue = catalogue()
        self._parser = Parser(self._catalogue, lexicon())
        self._nearest = nearest

    async def suggest(self, request: MealRequest) -> Meal:
        """Suggest one meal.

        A time or a budget that can't be met is relaxed, and the message says so. Raises
        MealError("no dish fits …") when allergies, diets and exclusions leave nothing.
        """
        # Off the loop: the encoder's first use takes a second to load.
        return await asyncio.to_thread(
            lambda: _Suggestion(self._catalogue, self._parser, self._nearest, request).meal()
        )

    async def close(self) -> None:
        return None


def fit(
    cat: Catalogue, dish: Dish, constraints: Constraints, *, other_meat: bool = False
) -> Fitted | None:
    """Return the dish without what the constraints ban, None when it would not be itself any more.

    With `other_meat` its meat may be another one ("豚肉抜きの生姜焼き" is made with chicken).
    """
    if any(_names(dish, term) for term in constraints.excluded):
        return None
    if any(dish.tags & cat.diets[name].avoid_tags for name in constraints.diets):
        return None
    banned = cat.banned_terms(constraints)
    swaps = constraints.swaps
    taken = {part.key for part in dish.parts}
    parts: list[tuple[str, float]] = []
    changes: list[Change] = []
    missing = 0
    for part in dish.parts:
        ingredient = cat.ingredients[part.key]
        swap = next((swap for swap in swaps if ingredient.is_a(swap.old)), None)
        if swap is None and not cat.is_banned(part.key, banned):
            parts.append((part.key, part.quantity))
            continue
        meat = other_meat and "meat" in ingredient.groups
        if part.essential and not meat and not ingredient.groups & EQUALS:
            return None
        new = _replacement(cat, part, swap, banned=banned, taken=taken)
        if part.essential and meat and new and "meat" not in cat.ingredients[new].groups:
            return None
        if new:
            taken.add(new)
            grams = part.quantity * ingredient.g_per_unit
            parts.append((new, grams / cat.ingredients[new].g_per_unit))
        elif part.essential:
            return None
        elif not part.optional and not ingredient.groups & {"sauce", "rice", "salty", "sweetener"}:
            missing += 1
        changes.append(Change(part.key, new, swap is not None))
    if missing > 1 or len(parts) < 3:
        return None
    return Fitted(dish, tuple(parts), tuple(changes))


def _names(dish: Dish, term: str) -> bool:
    return term == f"dish:{dish.id}" or (term.startswith("tag:") and term[4:] in dish.tags)


def _replacement(
    cat: Catalogue,
    part: Part,
    swap: Swap | None,
    *,
    banned: Iterable[str],
    taken: Iterable[str],
) -> str | None:
    options = list(cat.ingredients[part.key].subs)
    if swap:
        preferred = [key for key in options if cat.ingredients[key].is_a(swap.new)]
        group = swap.new.removeprefix("group:")
        picked = cat.picks.get(group) if swap.new.startswith("group:") else swap.new
        options = [*preferred, *([picked] if picked else []), *options]
    return next(
        (key for key in options if key not in taken and not cat.is_banned(key, banned)), None
    )


class _Suggestion:
    """The answer to one request, while it is being worked out."""

    def __init__(
        self, cat: Catalogue, parser: Parser, nearest: Nearest, request: MealRequest
    ) -> None:
        self.cat, self.request, self.language = cat, request, request.language
        self.nearest = nearest
        self.last = request.history[-1].meal if request.history else None
        self.persona = conversation.persona_wishes(parser, request.shopper)
        self.asked = parser.parse(request.prompt, followup=self.last is not None)
        self.shown = [turn.meal.dish for turn in request.history if turn.meal.dish]
        if self.last:
            self._go_back()
            self._settle_swaps()
        self.constraints = conversation.constrain(cat, request, self.persona, self.asked)
        self.notes: list[str] = []
        self.seed = _hash(
            request.prompt,
            request.shopper.name or "",
            str(request.shopper.age),
            request.shopper.persona or "",
            *self.shown,
        )

    def _go_back(self) -> None:
        """Take "처음 거로 할게" for the title of the dish that was suggested then."""
        back, history = self.asked.back, self.request.history
        if back and back <= len(history) and not self.asked.says_what:
            dish = history[back - 1].meal.dish
            if dish is not None and dish in self.cat.dishes:
                self.asked.titles, self.asked.another = [dish], False

    def _settle_swaps(self) -> None:
        """Find what is swapped where that is not said; what the meal lacks makes a plain wish."""
        assert self.last
        asked = self.asked
        keys = [line.key for line in self.last.ingredients if line.key]
        for new in asked.swap_to[:1]:
            swap = conversation.swap_from(new, keys, self.cat)
            if swap:
                asked.swaps.append(swap)
        here = [swap for swap in asked.swaps if self._in_last(swap.old)]
        wishes = [swap.new for swap in asked.swaps if swap not in here]
        wishes += [] if asked.swaps else asked.swap_to[:1]
        for term in wishes:
            key = self.cat.picks.get(term.removeprefix("group:"), term)
            extra = self.cat.ingredients[key].groups & {"drink", "drinkalcohol"}
            (asked.added if extra else asked.wanted).append(key if extra else term)
        asked.swaps = here

    def meal(self) -> Meal:
        current = self.cat.dishes.get(self.last.dish or "") if self.last else None
        self._replace_added()
        self._offer_other_extra()
        fitted = self._stay(current) if current else None
        how = "again" if fitted else "other" if self.last else "new"
        if not fitted:
            self._drop_old_extras()
            fitted = self._choose(current)
        return self._write(fitted, how)

    # -- which dish --------------------------------------------------------------------------

    def _stay(self, current: Dish) -> Fitted | None:
        """Keep the chat's dish when what was asked concerns it rather than another; else None."""
        asked = self.asked
        if asked.says_what:
            only_mood = not (asked.titles or asked.dishes or asked.kinds or asked.wanted)
            if asked.titles and current.id in asked.titles and not asked.another:
                return fit(
                    self.cat, current, self.constraints, other_meat=current.id in asked.titles
                )
            if not only_mood or not set(asked.moods) <= {"spicy", "mild"} or asked.another:
                return None
        too_slow = asked.minutes and current.minutes > asked.minutes
        if too_slow or (asked.budget and current.cost * self._servings() > asked.budget):
            return None
        concerns = bool(asked.added or asked.swaps) or self._excludes_something_here()
        concerns = concerns or self._another_extra() is not None
        if asked.another and not concerns:
            return None
        return fit(self.cat, current, self.constraints)

    def _excludes_something_here(self) -> bool:
        assert self.last
        keys = [line.key for line in self.last.ingredients if line.key]
        return any(self.cat.is_banned(key, self.asked.excluded) for key in keys)

    def _choose(self, current: Dish | None) -> Fitted:
        named = {*self.asked.titles, *self.asked.dishes}
        fitting = {
            dish.id: fitted
            for dish in self.cat.dishes.values()
            if (fitted := fit(self.cat, dish, self.constraints, other_meat=dish.id in named))
        }
        if not fitting:
            raise MealError(self._nothing_fits(), retryable=False)
        unseen = {id: fitted for id, fitted in fitting.items() if id not in self.shown}
        if self.last and not (self.asked.titles or self.asked.dishes):
            fitting = unseen or fitting
        self._note_unmet(fitting)
        near = self._near() if self._vague() else {}
        scores = {
            id: self._score(fitted, current, near.get(id, 0.0)) for id, fitted in fitting.items()
        }
        best = max(scores.values())
        leaders = sorted(id for id, score in scores.items() if score >= best - HOME - 0.01)
        return fitting[leaders[self.seed % len(leaders)]]

    def _vague(self) -> bool:
        """Tell whether no word of the sentence is known, so that its meaning decides."""
        asked = self.asked
        says = asked.says_what or asked.excluded or asked.diets or asked.allergies or asked.another
        return not says and not asked.added and len(asked.rest) > 3 and not _open(asked.rest)

    def _near(self) -> dict[str, float]:
        found = self.nearest(self.asked.rest)
        return {id: 30 * score for id, score in found}

    def _score(self, fitted: Fitted, current: Dish | None, near: float) -> float:
        dish, asked, wishes = fitted.dish, self.asked, self.constraints
        score = near
        if dish.id in asked.titles:
            score += TITLE
        elif dish.id in asked.dishes:
            score += TITLE - 5
        if dish.id in asked.defaults and not VARIED & set(asked.kinds):
            score += 2
        score += KIND * len(dish.tags & set(asked.kinds))
        score += MOOD * len(dish.tags & set(asked.moods))
        keys = [key for key, _ in fitted.parts]
        for term in asked.wanted:
            if any(self.cat.ingredients[key].is_a(term) for key in keys):
                part_of = any(
                    part.essential and self.cat.ingredients[part.key].is_a(term)
                    for part in dish.parts
                )
                score += WANTED + (3 if part_of else 0)
        if not asked.says_what and current:
            # "돼지고기 말고": another of the same kind before any other dish.
            if not asked.another or asked.excluded:
                score += 3 * len(dish.tags & current.tags & FAMILIES)
            score += MOOD * len(dish.tags & set(wishes.tags))
        elif current and not (asked.titles or asked.dishes or asked.kinds):
            score += 3 * len(dish.tags & current.tags & FAMILIES)
        for swap in asked.swaps:
            if any(self.cat.ingredients[key].is_a(swap.new) for key in keys):
                score += WANTED
        if wishes.max_minutes and dish.minutes > wishes.max_minutes:
            score -= min(RELAXED, 4 + (dish.minutes - wishes.max_minutes) * 0.1)
        if wishes.budget:
            over = dish.cost * self._servings() - wishes.budget
            score -= min(RELAXED, 4 + over / 5000) if over > 0 else 0.0
        if current and "budget" in asked.moods and dish.cost >= current.cost:
            score -= MOOD  # "더 싼 거"
        for name in wishes.diets:
            diet = self.cat.diets[name]
            score += MOOD * len(dish.tags & diet.tags)
            score -= sum(1.5 for key in keys if self.cat.ingredients[key].groups & diet.less_groups)
        leaning = {*self.persona.moods, *self.persona.kinds, *_age_moods(self.request.shopper.age)}
        score += PERSONA * len(dish.tags & leaning)
        score += 2 * PERSONA * (dish.id in {*self.persona.titles, *self.persona.dishes})
        if "curry" in asked.kinds and "rice_dish" not in dish.tags:
            score -= 2  # plain "curry" is curry over rice
        # Not a dinner for everybody unless asked for.
        score -= 1.5 * len(dish.tags & UNUSUAL - {*asked.kinds, *asked.moods, *wishes.tags})
        if {"ko": "korean", "en": "western", "ja": "japanese"}[self.language] in dish.tags:
            score += HOME
        if "mild" in asked.moods and "spicy" in dish.tags:
            score -= MOOD
        return score - 0.8 * sum(not change.asked for change in fitted.changes)

    def _note_unmet(self, fitting: dict[str, Fitted]) -> None:
        """Say so when a dish or an ingredient asked for can't be had."""
        asked, name = self.asked, self.cat.term_name
        named = [*asked.titles, *asked.dishes]
        if named and not set(named) & set(fitting):
            title = self.cat.dishes[named[0]].title.in_language(self.language)
            self.notes.append(phrases.note("instead", self.language, title))
            asked.kinds += sorted(self.cat.dishes[named[0]].tags & FAMILIES)
        for term in asked.wanted:
            has = any(
                self.cat.ingredients[key].is_a(term)
                for fitted in fitting.values()
                for key, _ in fitted.parts
            )
            if not has and self.cat.hard_terms(self.constraints):
                kind = "refused_allergy" if self._never(term) else "near"
                self.notes.append(phrases.note(kind, self.language, name(term, self.language)))

    def _never(self, term: str) -> bool:
        hard = self.cat.hard_terms(self.constraints)
        covered = [key for key, ingredient in self.cat.ingredients.items() if ingredient.is_a(term)]
        return bool(covered) and all(self.cat.is_banned(key, hard) for key in covered)

    def _nothing_fits(self) -> str:
        limits = self.constraints
        terms = [*limits.allergies, *limits.excluded]
        names = [name.replace("_", " ") for name in limits.diets]
        names += [self.cat.term_name(term, "en") for term in terms]
        names = list(dict.fromkeys(names))
        more = " and more" if len(names) > 8 else ""
        return f"no dish fits these limits: {', '.join(names[:8])}{more}"

    # -- what goes into it -------------------------------------------------------------------

    def _replace_added(self) -> None:
        """Replace an extra of an earlier round that is not wanted now by another of its sort.

        Swaps among the extras ("와인 말고 맥주") count as well.
        """
        banned = self.cat.banned_terms(self.constraints)
        hard = self.cat.hard_terms(self.constraints)
        before = set(self.last.constraints.added) if self.last else set()
        added: list[str] = []
        for key in self.constraints.added:
            ingredient = self.cat.ingredients[key]
            name = ingredient.name.in_language(self.language)
            swap = next((s for s in self.asked.swaps if ingredient.is_a(s.old)), None)
            minor = "drinkalcohol" in ingredient.groups and is_minor(self.request.shopper.age)
            if self.cat.is_banned(key, hard) and key in self.asked.added:
                self.notes.append(phrases.note("refused_allergy", self.language, name))
            elif minor:
                self.notes.append(phrases.note("refused_minor", self.language, name))
            elif swap or self.cat.is_banned(key, banned):
                options = ingredient.subs if self.asked.another or swap else ()
                wanted = [self._pick(swap.new)] if swap else []
                for new in (*wanted, *options):
                    if not self.cat.is_banned(new, banned) and new not in self.constraints.added:
                        added.append(new)
                        other = self.cat.ingredients[new].name.in_language(self.language)
                        self.notes.append(phrases.note("swapped", self.language, name, other))
                        break
                else:
                    if key in before:
                        self.notes.append(phrases.note("left_out", self.language, name))
            else:
                added.append(key)
        self.constraints = self.constraints.model_copy(update={"added": tuple(added)})

    def _pick(self, term: str) -> str:
        return self.cat.picks.get(term.removeprefix("group:"), term)

    def _another_extra(self) -> str | None:
        """Return the drink or sweet that is refused though the meal has none; else None.

        "와인 말고 다른 거", after wine was recommended beside the meal: the dish may stay.
        """
        if not self.last or not self.asked.another or self._excludes_something_here():
            return None
        for term in self.asked.excluded:
            key = self._pick(term)
            if key in self.cat.ingredients and self.cat.ingredients[key].groups & EXTRAS:
                return term
        return None

    def _offer_other_extra(self) -> None:
        term = self._another_extra()
        if term is None:
            return
        banned = list(self.cat.banned_terms(self.constraints))
        banned += ["group:drinkalcohol"] if is_minor(self.request.shopper.age) else []
        for key in self.cat.ingredients[self._pick(term)].subs:
            if not self.cat.is_banned(key, banned):
                added = (*self.constraints.added, key)
                self.constraints = self.constraints.model_copy(update={"added": added})
                name = self.cat.ingredients[key].name.in_language(self.language)
                old = self.cat.term_name(term, self.language)
                self.notes.append(phrases.note("instead_of", self.language, old, name))
                return

    def _drop_old_extras(self) -> None:
        """Drop what was put on the last dish (cheese), not what goes with any meal (wine)."""
        added = [
            key
            for key in self.constraints.added
            if key in self.asked.added or self.cat.ingredients[key].groups & EXTRAS
        ]
        self.constraints = self.constraints.model_copy(update={"added": tuple(added)})

    def _in_last(self, term: str) -> bool:
        keys = [line.key for line in self.last.ingredients if line.key] if self.last else []
        return any(self.cat.ingredients[key].is_a(term) for key in keys)

    def _servings(self) -> int:
        if self.constraints.servings:
            return self.constraints.servings
        tags = self.constraints.tags
        return GUESTS if {"party", "family"} & set(tags) else DISH_SERVINGS

    def _lines(self, fitted: Fitted, hotter: bool, milder: bool) -> list[MealIngredient]:
        servings = self._servings()
        scale = servings / DISH_SERVINGS
        amounts = {key: quantity * scale for key, quantity in fitted.parts}
        if milder:
            essential = {part.key for part in fitted.dish.parts if part.essential}
            hot = [
                key
                for key in amounts
                if "chili" in self.cat.ingredients[key].groups and key not in essential
            ]
            for key in hot[: max(0, len(amounts) - 3)]:
                del amounts[key]
        if hotter and "chili_flakes" not in amounts:
            amounts["chili_flakes"] = 0.5 * servings
        for key in self.constraints.added:
            extra = _extra_amount(self.cat, key, servings)
            amounts[key] = max(amounts[key] * 1.5, extra) if key in amounts else extra
        return [self.cat.line(key, quantity) for key, quantity in amounts.items()]

    # -- the texts about it ------------------------------------------------------------------

    def _write(self, fitted: Fitted, how: str) -> Meal:
        language, dish, asked, cat = self.language, fitted.dish, self.asked, self.cat
        banned = cat.banned_terms(self.constraints)
        moods = set(self.constraints.tags if how == "again" else asked.moods)
        named = how == "again" or dish.id in asked.titles
        hotter = (
            named
            and "spicy" in moods
            and ("spicy" not in dish.tags or "spicy" in asked.moods)
            and not (how == "new" and "spicy" in dish.tags)
            and not cat.is_banned("chili_flakes", banned)
        )
        has_chili = any("chili" in cat.ingredients[key].groups for key, _ in fitted.parts)
        if hotter and "spicy" in dish.tags:
            # Hotter than it is: an extra, so that it stays so in the rounds to come.
            added = dict.fromkeys([*self.constraints.added, "chili_flakes"])
            self.constraints = self.constraints.model_copy(update={"added": tuple(added)})
        milder = named and "mild" in moods and has_chili
        lines = self._lines(fitted, hotter, milder)
        self._check(lines)
        title = self._title(fitted, hotter, milder)
        description = self._description(fitted, title, lines)
        notes = self._what_changed(fitted, how, hotter, milder)
        servings = self._servings()
        age_moods = _age_moods(self.request.shopper.age)
        mood_tags = [*asked.moods, *self.constraints.tags, *self.persona.moods, *age_moods]
        why = phrases.reason(language, [t for t in mood_tags if t in dish.tags], self.seed)
        new_limits = how != "again" or asked.allergies or asked.diets
        limits = self._limits(dish) if new_limits else []
        hello = phrases.greeting(language, self.request.shopper.name)
        space = "" if language == "ja" else " "
        if hello and language == "en" and not why.startswith(("I ", "I'")):
            why = why[0].lower() + why[1:]
        message = hello + space.join([why, *notes, *limits])
        return Meal(
            dish=dish.id,
            recipe_title=title,
            intro_message=phrases.intro(
                language,
                how,
                title,
                minutes=dish.minutes,
                servings=servings,
                variant=self.seed // 11,
            ),
            recipe_description=description,
            recommendation_message=message,
            servings=servings,
            minutes=dish.minutes,
            ingredients=tuple(lines),
            constraints=self.constraints,
        )

    def _check(self, lines: Sequence[MealIngredient]) -> None:
        """Check the finished list against allergies and diets once more. Raises MealError."""
        hard = self.cat.hard_terms(self.constraints)
        if any(line.key and self.cat.is_banned(line.key, hard) for line in lines):
            raise MealError(self._nothing_fits(), retryable=False)

    def _title(self, fitted: Fitted, hotter: bool, milder: bool) -> str:
        title = fitted.dish.title.in_language(self.language)
        essential = {part.key for part in fitted.dish.parts if part.essential}
        swap = next((c for c in fitted.changes if c.new and (c.asked or c.old in essential)), None)
        if swap and swap.new and self.cat.ingredients[swap.new].groups & {"meat", "seafood"}:
            name = self._everyday(swap.new)
            old = next((word for word in self._words_of(swap.old) if word in title), "")
            if old:
                title = title.replace(old, name, 1)
            elif name not in title:
                title = phrases.title_as("with", title, self.language, name)
        elif fitted.changes:
            for diet in ("vegan", "vegetarian"):
                if diet in self.constraints.diets:
                    title = phrases.title_as(diet, title, self.language)
                    break
        if milder or (hotter and "spicy" not in fitted.dish.tags):
            title = phrases.title_as("spicy" if hotter else "mild", title, self.language)
        return title

    def _words_of(self, key: str) -> list[str]:
        """Return what a title may call an ingredient, longest first."""
        ingredient = self.cat.ingredients[key]
        words = {ingredient.name.in_language(self.language)}
        for group in ingredient.groups & {"pork", "beef", "chicken", "lamb"}:
            words |= set(self.cat.groups[group][self.language])
        return sorted(words, key=lambda word: (-len(word), word))

    def _everyday(self, key: str) -> str:
        """Name an ingredient as people do: "닭고기" rather than "닭다리살"."""
        groups = self.cat.ingredients[key].groups
        for group in ("pork", "beef", "chicken", "lamb"):
            if group in groups:
                return self.cat.groups[group][self.language][0]
        return self.cat.ingredients[key].name.in_language(self.language)

    def _description(self, fitted: Fitted, title: str, lines: Sequence[MealIngredient]) -> str:
        text = fitted.dish.text.in_language(self.language)
        present = [self.cat.ingredients[line.key] for line in lines if line.key]
        for change in fitted.changes:
            gone = self.cat.ingredients[change.old]
            words = {gone.name.in_language(self.language), *gone.synonyms[self.language]}
            for group in gone.groups:
                if not any(group in ingredient.groups for ingredient in present):
                    words |= set(self.cat.groups.get(group, {}).get(self.language, ()))
            if any(len(word) > 1 and word.lower() in text.lower() for word in words):
                names = [line.name.in_language(self.language) for line in lines[:3]]
                return phrases.plain_description(self.language, title, names)
        return text

    def _what_changed(self, fitted: Fitted, how: str, hotter: bool, milder: bool) -> list[str]:
        language, cat, asked = self.language, self.cat, self.asked
        notes = list(self.notes)
        changed: set[str] = set()
        before = [line.key for line in self.last.ingredients if line.key] if self.last else []
        after = {key for key, _ in fitted.parts}
        for change in fitted.changes:
            if how == "again" and change.old not in before:
                if change.new is None or change.new in before:
                    continue  # was so in the last round already
                change = self._changed_again(change, [key for key in before if key not in after])
            old, new = self._everyday(change.old), change.new and self._everyday(change.new)
            if old in changed or old == new:
                continue
            changed.add(old)
            notes.append(
                phrases.note("swapped", language, old, new)
                if new
                else phrases.note("left_out", language, old)
            )
        for key in self.constraints.added:
            if key in asked.added:
                name = cat.ingredients[key].name.in_language(language)
                kind = "more" if key in {k for k, _ in fitted.parts} else "added"
                notes.append(phrases.note(kind, language, name))
        if how == "again" and not notes and asked.excluded:
            name = cat.term_name(asked.excluded[0], language)
            notes.append(phrases.note("kept_out", language, name))
        if how != "again":
            for term in asked.excluded[:1]:
                kind = "other_than" if term.startswith(("tag:", "dish:")) else "without"
                if not any(cat.term_name(term, language) == word for word in changed):
                    notes.append(phrases.note(kind, language, self._thing(term)))
        if hotter and "spicy" in asked.moods:
            chili = cat.ingredients["chili_flakes"].name.in_language(language)
            notes.append(phrases.note("hotter", language, chili))
        if milder and "mild" in asked.moods:
            notes.append(phrases.note("milder", language))
        if asked.odd_servings:
            notes.append(phrases.note("odd_servings", language, str(self._servings())))
        elif asked.servings and (self.last or asked.servings != DISH_SERVINGS):
            notes.append(phrases.note("servings", language, str(asked.servings)))
        keys = [key for key, _ in fitted.parts]
        used = [
            cat.term_name(term, language)
            for term in asked.at_hand[:2]
            if any(cat.ingredients[key].is_a(term) for key in keys)
        ]
        if used:
            notes.append(phrases.note("uses", language, phrases.listed(used, language)))
        wishes, dish = self.constraints, fitted.dish
        if wishes.max_minutes and dish.minutes > wishes.max_minutes:
            notes.append(phrases.note("late", language, str(dish.minutes)))
        if wishes.budget and dish.cost * self._servings() > wishes.budget:
            notes.append(phrases.note("costly", language, f"{dish.cost * self._servings():,}"))
        return notes

    def _thing(self, term: str) -> str:
        """Name a term by a noun: "매운 음식" rather than "매운"."""
        name = self.cat.term_name(term, self.language)
        topic = next((t for t in self.cat.topics.values() if f"tag:{t.tag}" == term), None)
        return name if topic is None or topic.kind else phrases.food(name, self.language)

    def _changed_again(self, change: Change, gone: Sequence[str]) -> Change:
        """Return the change from the last round's substitute, where that gave way to another."""
        groups = self.cat.ingredients[change.old].groups
        old = next((key for key in gone if self.cat.ingredients[key].groups & groups), change.old)
        return Change(old, change.new, change.asked)

    def _without_implied(self, terms: Sequence[str]) -> list[str]:
        """Leave out what others imply: shrimp after shellfish, mixed nuts after nuts."""
        cat = self.cat
        groups = [term for term in terms if term.startswith("group:")]
        keys = [term for term in terms if term in cat.ingredients]
        implied = {f"allergen:{name}" for group in groups for name in cat.allergy_of.get(group, ())}
        for key in keys:
            if f"allergen:{key}" in terms:
                implied.add(key)
            else:
                implied |= {f"allergen:{name}" for name in cat.ingredients[key].allergens}
            if any(cat.ingredients[key].is_a(group) for group in groups):
                implied.add(key)
        return [term for term in terms if term not in implied]

    def _limits(self, dish: Dish) -> list[str]:
        """Say that allergies and diets were heeded, in the chat's first answer."""
        language, cat = self.language, self.cat
        # What somebody just doesn't eat is banned as hard, but isn't called an allergy.
        merely = {cat.term_name(term, language) for term in self.constraints.excluded}
        here = self._without_implied([*self.persona.allergies, *self.asked.allergies])
        named = [cat.term_name(term, language) for term in here]
        named = [name for name in dict.fromkeys(named) if name not in merely]
        notes = []
        if named:
            notes.append(phrases.note("safe", language, phrases.listed(named[:3], language)))
        if self.constraints.diets:
            words = cat.diets[self.constraints.diets[0]].words[language]
            notes.append(phrases.note("diet", language, words[0]))
        return notes


def _age_moods(age: int | None) -> tuple[str, ...]:
    if age is None:
        return ()
    return ("kids", "mild") if age <= 12 else ("healthy", "light") if age >= 60 else ()


def _extra_amount(cat: Catalogue, key: str, servings: int) -> float:
    """Return how much of an extra to buy for so many people, in its unit."""
    ingredient = cat.ingredients[key]
    unit, drink = ingredient.unit.en, ingredient.category in ("Drinks", "Alcohol")
    if unit == "ml":
        return 100.0 * servings
    if unit == "g":
        return (100.0 if ingredient.groups & {"protein", "meat", "seafood"} else 40.0) * servings
    if unit == "can" and drink:
        return float(servings)
    if unit in ("bottle", "bag", "box", "pack", "can", "block", "head", "bunch"):
        return float(math.ceil(servings / 4))
    if unit in ("sheet", "leaf", "clove", "slice"):
        return 2.0 * servings
    if unit in ("tbsp", "tsp"):
        return 0.5 * servings
    return float(max(1, servings // 2)) if ingredient.g_per_unit >= 100 else float(servings)


_OPEN = (
    *(
        "뭐먹",
        "아무거나",
        "추천",
        "메뉴",
        "저녁",
        "점심",
        "뭐해",
        "모르겠",
        "골라줘",
        "땡기",
        "배고",
    ),
    *("何", "なんでも", "おすすめ", "献立", "お腹す", "夕飯", "晩ご飯"),
    *("anything", "whatever", "what should", "what to", "hungry", "dinner idea", "surprise"),
    *("recommend", "suggest"),
)


def _open(text: str) -> bool:
    """Tell whether a text asks for anything at all ("뭐 먹지?"): it has no meaning to go by."""
    squeezed = text.replace(" ", "") if not text.isascii() else text
    return len(squeezed) < 40 and any(word in squeezed for word in _OPEN)


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\x00".join(parts).encode()).digest()[:8], "big")
