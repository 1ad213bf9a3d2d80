"""The meal engine behind any chat endpoint that speaks OpenAI's protocol.

The model's answer is held to a JSON schema, its ingredients are matched against the vocabulary, and
what the shopper must not eat is taken out afterwards whatever the model said.
"""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from core.platform.openai import OpenAIEndpoint, UpstreamError
from core.shop.meal import phrases
from core.shop.meal.catalogue import Catalogue, catalogue
from core.shop.meal.conversation import constrain, dump_history, is_minor, persona_wishes
from core.shop.meal.lexicon import lexicon, normalize
from core.shop.meal.models import LANGUAGES, Meal, MealIngredient, MealRequest, Text
from core.shop.meal.parser import Parser
from core.shop.meal.port import MealError

TOTAL_SECONDS = 45.0  # no new attempt after that: a step's deadline is 60 s
CATEGORIES = (
    *("Produce", "Meat", "Seafood", "Dairy", "Pantry"),
    *("Frozen", "Bakery", "Deli", "Drinks", "Alcohol"),
)

# Grams or millilitres in the units models like; "piece" only for what we sell by weight.
_UNIT_GRAMS = {
    "g": 1,
    "gram": 1,
    "kg": 1000,
    "ml": 1,
    "l": 1000,
    "liter": 1000,
    "oz": 28,
    "lb": 454,
}
_UNIT_GRAMS |= {"tbsp": 15, "tablespoon": 15, "tsp": 5, "teaspoon": 5, "cup": 200, "piece": 50}

_SYSTEM = """You plan one meal for a shopper in a grocery store and answer with JSON only.
Write recipe_title, intro_message, recipe_description and recommendation_message in {language}, \
warm and natural, as a person would; recommendation_message says why this meal suits this shopper \
and, in a follow-up, what you changed.
A follow-up refines the previous meal: keep what it doesn't touch.
Ingredients: everything to buy for `servings` people, each with its name and unit in Korean, \
English and Japanese, a quantity above 0 and a category. Prefer these ingredient names where one \
fits: {names}.
Shopper: {shopper}.{limits}"""


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def _above_zero(value: float) -> float:
    if not 0 < value < 100_000:
        raise ValueError("must be above 0")
    return value


def _some(value: list[Any]) -> list[Any]:
    if not value:
        raise ValueError("is empty")
    return value


# Checked here and not in the schema: strict mode knows no minimum and no length.
Filled = Annotated[str, AfterValidator(_filled)]
Amount = Annotated[float, AfterValidator(_above_zero)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_Strict):
    ko: Filled
    en: Filled
    ja: Filled


class _Ingredient(_Strict):
    name: _Text
    category: str
    quantity: Amount
    unit: _Text


class _Reply(_Strict):
    recipe_title: Filled
    intro_message: Filled
    recipe_description: Filled
    recommendation_message: Filled
    servings: int
    minutes: int | None
    ingredients: Annotated[list[_Ingredient], AfterValidator(_some)]


def reply_schema() -> dict[str, Any]:
    """Return the answer's JSON schema, as strict mode wants it: all required, nothing extra."""
    schema = _Reply.model_json_schema()
    schema["$defs"]["_Ingredient"]["properties"]["category"]["enum"] = list(CATEGORIES)
    return schema


class OpenAIMealEngine:
    """See the module's docstring. `timeout` is seconds for one attempt, `backoff` the first pause.

    Raises MealError with a reason of core.platform.openai's, or when nothing is left to eat.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        timeout: float = 20.0,
        backoff: float = 0.5,
    ) -> None:
        self._endpoint = OpenAIEndpoint(
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            total=TOTAL_SECONDS,
            backoff=backoff,
        )
        self._model = model
        self._catalogue = catalogue()
        self._parser = Parser(self._catalogue, lexicon())
        self._by_name = _names(self._catalogue)

    async def close(self) -> None:
        await self._endpoint.close()

    async def suggest(self, request: MealRequest) -> Meal:
        """Ask the endpoint for one meal; an unreadable answer is sent back once for repair."""
        persona = persona_wishes(self._parser, request.shopper)
        asked = self._parser.parse(request.prompt, followup=bool(request.history))
        constraints = constrain(self._catalogue, request, persona, asked)
        hard = list(self._catalogue.hard_terms(constraints))
        if is_minor(request.shopper.age):
            hard.append("group:drinkalcohol")
        messages = self._messages(request, hard)
        try:
            reply = await self._endpoint.chat_json(
                self._model, messages, _Reply, name="meal", schema=reply_schema()
            )
        except UpstreamError as error:
            raise MealError(error.reason, error.retryable) from error
        lines = [self._line(item) for item in reply.ingredients]
        allowed = [line for line in lines if not self._is_banned(line, hard)]
        if not allowed:
            raise MealError("upstream suggested nothing the shopper may eat", retryable=True)
        message = reply.recommendation_message
        for line in lines:
            if line not in allowed:
                name = line.name.in_language(request.language)
                message += " " + phrases.note("refused_allergy", request.language, name)
        return Meal(
            dish=None,
            recipe_title=reply.recipe_title,
            intro_message=reply.intro_message,
            recipe_description=reply.recipe_description,
            recommendation_message=message,
            servings=min(max(reply.servings, 1), 20),
            minutes=reply.minutes if reply.minutes and reply.minutes > 0 else None,
            ingredients=tuple(allowed),
            constraints=constraints,
        )

    # -- asking ------------------------------------------------------------------------------

    def _messages(self, request: MealRequest, hard: list[str]) -> list[dict[str, str]]:
        shopper = request.shopper
        known = {
            "name": shopper.name,
            "gender": shopper.gender,
            "age": shopper.age,
            **shopper.extra,
        }
        about = {key: value for key, value in known.items() if value not in (None, "")}
        never = list(dict.fromkeys(self._catalogue.term_name(term, "en") for term in hard))
        system = _SYSTEM.format(
            language={"ko": "Korean", "en": "English", "ja": "Japanese"}[request.language],
            names=", ".join(i.name.en for i in self._catalogue.ingredients.values()),
            shopper=json.dumps(about, ensure_ascii=False, default=str) if about else "unknown",
            limits=f"\nNever use anything with: {', '.join(never)}." if never else "",
        )
        messages = [{"role": "system", "content": system}]
        for prompt, meal in dump_history(request):
            messages.append({"role": "user", "content": prompt})
            messages.append({"role": "assistant", "content": meal})
        prelude = f"페르소나: {shopper.persona}\n" if shopper.persona else ""
        messages.append({"role": "user", "content": prelude + request.prompt})
        return messages

    # -- reading -----------------------------------------------------------------------------

    def _line(self, item: _Ingredient) -> MealIngredient:
        """Make the vocabulary's own line when it knows the name, else one of the model's words."""
        names = (item.name.ko, item.name.ja, item.name.en)
        key = next((k for name in names if (k := self._by_name.get(_plain(name)))), None)
        if key is None:
            return MealIngredient(
                key=None,
                name=Text(**item.name.model_dump()),
                category=item.category if item.category in CATEGORIES else "Pantry",
                quantity=item.quantity,
                unit=Text(**item.unit.model_dump()),
            )
        ingredient = self._catalogue.ingredients[key]
        quantity, unit = item.quantity, item.unit.en.lower().strip(" .")
        same = any(
            item.unit.model_dump()[language].lower().removesuffix("s")
            == ingredient.unit.in_language(language).lower()
            for language in LANGUAGES
        )
        if not same:
            by_weight = ingredient.unit.en in ("g", "ml")
            grams = _UNIT_GRAMS.get(unit) or _UNIT_GRAMS.get(unit.removesuffix("s"))
            if unit.startswith("piece") and not by_weight:
                grams = None
            if grams or by_weight:
                quantity *= (grams or _UNIT_GRAMS["piece"]) / ingredient.g_per_unit
        return self._catalogue.line(key, quantity)

    def _is_banned(self, line: MealIngredient, hard: Iterable[str]) -> bool:
        if line.key:
            return self._catalogue.is_banned(line.key, hard)
        # A name we don't know may still hold one we do ("shrimp paste").
        for language in LANGUAGES:
            for match in lexicon().find(normalize(line.name.in_language(language))):
                for value in match.values("allergen"):
                    if f"allergen:{value}" in hard:
                        return True
                for term in match.values("term"):
                    if term in hard:
                        return True
                    if ":" not in term and self._catalogue.is_banned(term, hard):
                        return True
        return False


def _plain(name: str) -> str:
    return re.sub(r"\s*\(.*?\)|\s+", "", normalize(name))


def _names(cat: Catalogue) -> dict[str, str]:
    """Map every name and synonym, without spaces, to its key; a name beats another's synonym."""
    found: dict[str, str] = {}
    for ingredient in cat.ingredients.values():
        for language in LANGUAGES:
            for word in ingredient.synonyms[language]:
                found.setdefault(_plain(word), ingredient.key)
    for ingredient in cat.ingredients.values():
        for language in LANGUAGES:
            found[_plain(ingredient.name.in_language(language))] = ingredient.key
    return found
