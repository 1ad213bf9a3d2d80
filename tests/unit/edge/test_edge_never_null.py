"""The app's document knows no null: no text that it names may be one."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor

from core.app.services import SERVICES
from edge.contract.load import load_contract
from edge.contract.model import Descriptor

# What we have beyond the document.
OURS = {"next_page_token"}


def texts_that_may_be_null(descriptor: Descriptor) -> Iterator[str]:
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from texts_that_may_be_null(field.message_type)
        elif field.type == FieldDescriptor.TYPE_STRING and field.has_presence:
            yield field.name


def test_no_text_of_the_app_may_be_null() -> None:
    methods = load_contract(SERVICES).methods.values()
    app = [each for each in methods if "status" in each.surface.envelope.success]
    assert len(app) > 20
    assert {name for each in app for name in texts_that_may_be_null(each.output)} == OURS
