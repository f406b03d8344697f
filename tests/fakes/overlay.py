"""Known defects of the published descriptions, one function per description, a reason per line."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

_ERROR = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "more_info": {"type": "string"},
        "status": {"type": "integer"},
    },
    "additionalProperties": False,
}


def twilio(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for value in _walk(document):
        # Paging links are declared as URIs; real ones are relative.
        if value.get("format") == "uri":
            value["format"] = "uri-reference"
    message = schemas["api.v2010.account.message"]
    # Nothing is required and additions are allowed, though every published example has exactly these fields.
    message["required"] = list(message["properties"])
    message["additionalProperties"] = False
    # `uri-map` values are strings.
    message["properties"]["subresource_uris"]["additionalProperties"] = {"type": "string"}
    operations = [each for path in document["paths"].values() for each in path.values() if isinstance(each, dict)]
    for operation in operations:
        for parameter in operation.get("parameters", []):
            # Typed as date-time, while the text says YYYY-MM-DD.
            if parameter["name"].startswith("DateSent"):
                parameter["schema"] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$"}
        # No error is described.
        if "responses" in operation:
            media = {"application/json": {"schema": _ERROR}}
            for status in ("400", "401", "404", "429", "500", "503"):
                operation["responses"].setdefault(status, {"description": "an error", "content": media})
    # The published examples have empty texts where a SID or a URI is demanded.
    for field in schemas["api.v2010.account.incoming_phone_number"]["properties"].values():
        field.pop("pattern", None)
        field.pop("minLength", None)


def twilio_voice(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for value in _walk(document):
        # Paging links are declared as URIs; real ones are relative.
        if value.get("format") == "uri":
            value["format"] = "uri-reference"
    operations = [each for path in document["paths"].values() for each in path.values() if isinstance(each, dict)]
    for operation in operations:
        for parameter in operation.get("parameters", []):
            # Typed as date-time, while the text says YYYY-MM-DD.
            if parameter["name"].startswith(("StartTime", "DateCreated")):
                parameter["schema"] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$"}
        # No error is described.
        if "responses" in operation:
            media = {"application/json": {"schema": _ERROR}}
            for status in ("400", "401", "404", "429", "500", "503"):
                operation["responses"].setdefault(status, {"description": "an error", "content": media})
    # The published examples have empty texts where a SID or a URI is demanded.
    for field in schemas["api.v2010.account.incoming_phone_number"]["properties"].values():
        field.pop("pattern", None)
        field.pop("minLength", None)


def x(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for value in _walk(document):
        # Declared as a discriminator's choice among problems, of which only one example is ever complete.
        if "discriminator" in value and "oneOf" not in value:
            value.pop("discriminator")
        # A value occurs twice in a list of choices, which makes the document invalid.
        if isinstance(value.get("enum"), list):
            value["enum"] = list(dict.fromkeys(value["enum"]))
    # All other fields are optional in an event, and a fake that forgets them would pass.
    schemas["DmEvent"]["required"] = ["id", "event_type", "created_at", "dm_conversation_id"]
    # The text does not say that an answer without messages leaves `data` out, but the list may not be empty.
    schemas["Get2DmEventsResponse"]["required"] = ["meta"]


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def meta(document: Document) -> None:
    schemas = document["components"]["schemas"]
    # Placeholders with hyphens, each declared as a parameter of the path; and headers that every client sends.
    renamed = {"{Version}": "{version}", "{Phone-Number-ID}": "{number}", "{WABA-ID}": "{account}"}
    for path in [*document["paths"]]:
        operations = document["paths"].pop(path)
        for name, ours in renamed.items():
            path = path.replace(name, ours)  # noqa: PLW2901
        path = path.replace("{Media-ID}", "{media}").replace("{Media-URL}", "{url}")  # noqa: PLW2901
        operations.pop("parameters", None)
        for operation in operations.values():
            given = [each for each in operation.get("parameters", []) if each.get("in") == "query"]
            # `appsecret_proof` is in no description; Meta's page on securing requests has it for all calls.
            # `fields` and `limit` are for every read of the Graph interface.
            named = {each["name"] for each in given}
            operation["parameters"] = [*given, _PROOF, *(each for each in _GRAPH if each["name"] not in named)]
        document["paths"][path] = operations
    # The newer cut has no messages.
    if "TextMessage" not in schemas:
        return
    base, text = schemas["BaseMessageProperties"], schemas["TextMessage"]["allOf"][1]
    # Users without a number are newer than v23: they are named by `recipient` (business-scoped user ids).
    base["properties"] |= {"recipient": {"type": "string"}, "biz_opaque_callback_data": {"type": "string"}}
    base["required"].remove("to")
    base["oneOf"] = [{"required": ["to"]}, {"required": ["recipient"]}]
    # Closed, and so without the properties that it inherits.
    text["additionalProperties"] = True
    # Any message is a template or a text for us; the other branches are open enough to fit as well.
    schemas["Message"] = {"oneOf": [{"$ref": "#/components/schemas/TextMessage"}, _TEMPLATE_MESSAGE]}


_PROOF = {"in": "query", "name": "appsecret_proof", "required": True, "schema": {"type": "string", "minLength": 64}}
_GRAPH = [{"in": "query", "name": name, "schema": {"type": "string"}} for name in ("fields", "limit")]
_TEMPLATE_MESSAGE = {"$ref": "#/components/schemas/TemplateMessage"}
