"""What goes into a meal engine and what comes out. All are frozen and go to JSON and back."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["ko", "en", "ja"]
LANGUAGES: tuple[Language, ...] = ("ko", "en", "ja")


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Text(Frozen):
    """One text in the three languages."""

    ko: str
    en: str
    ja: str

    def in_language(self, language: Language) -> str:
        """Return the text in one of them."""
        return str(getattr(self, language))


class MealIngredient(Frozen):
    """One line of the shopping list.

    `key` is a key of the vocabulary (data/ingredients.yaml), None when the engine named something
    the vocabulary doesn't have. `quantity` counts `unit`s.
    """

    key: str | None
    name: Text
    category: str
    quantity: float
    unit: Text


class Swap(Frozen):
    """`old` (a term) was to be replaced by `new` (a vocabulary key)."""

    old: str
    new: str


class Constraints(BaseModel):
    """What the conversation has fixed so far.

    A remote engine may add keys of its own: they are kept and sent back to it.

    A *term* is a vocabulary key ("shrimp") or a group of them ("group:pork"); an allergy may also
    be an allergen ("allergen:wheat"). `budget` is won for the whole meal.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    excluded: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    diets: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    at_hand: tuple[str, ...] = ()
    swaps: tuple[Swap, ...] = ()
    tags: tuple[str, ...] = ()
    servings: int | None = None
    max_minutes: int | None = None
    budget: int | None = None


class Meal(Frozen):
    """One suggestion. Texts are in the request's language; `minutes` is cooking time.

    `dish` is the embedded catalogue's id, None when another engine made the meal up.
    """

    dish: str | None
    recipe_title: str
    intro_message: str
    recipe_description: str
    recommendation_message: str
    servings: int
    minutes: int | None
    ingredients: tuple[MealIngredient, ...]
    constraints: Constraints = Constraints()


class Turn(Frozen):
    """One earlier round of the chat: what was asked, what was suggested."""

    prompt: str
    meal: Meal


class Shopper(Frozen):
    """The profile the round belongs to. `persona` is free text, `extra` any JSON object."""

    name: str | None = None
    gender: str | None = None
    age: int | None = None
    locale: str | None = None
    persona: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class MealRequest(Frozen):
    """A shopper's sentence, the language to answer in, and the chat so far, oldest turn first."""

    prompt: str
    language: Language = "ko"
    history: tuple[Turn, ...] = ()
    shopper: Shopper = Shopper()
