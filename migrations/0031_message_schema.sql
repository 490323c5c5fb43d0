set local role artery_owner;

create table artery_staging.message_schema (
    message_type text not null,
    version integer not null,
    schema jsonb not null,
    created_at timestamptz not null default now(),
    primary key (message_type, version),
    constraint message_schema_version_check check (version > 0),
    constraint message_schema_object_check check (jsonb_typeof(schema) = 'object')
);
comment on table artery_staging.message_schema is
'JSON Schema (draft 2020-12) of each kind of message and version; a message names its version as '
'schema_version, 1 if it does not';
grant select on artery_staging.message_schema to artery_reader, artery_app;
grant insert, update on artery_staging.message_schema to artery_admin;

/* What cannot be said in a schema (codes that look alike, units that exist, ranges of numbers) the
   import checks row by row, for XML as well. Numbers may come as strings, so that no sender's
   floating point touches them. */
insert into artery_staging.message_schema (message_type, version, schema) values
('plm_bom', 1, $schema$
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Bills of material, many in a message: nested (boms), parent-child or indented (lines)",
  "type": "object",
  "properties": {
    "source": {"type": "string", "minLength": 1, "maxLength": 200},
    "message_id": {"type": "string", "minLength": 1, "maxLength": 200},
    "schema_version": {"const": 1},
    "inclusive_ends": {"type": "boolean"},
    "items": {"type": "array", "maxItems": 1000000, "items": {"$ref": "#/$defs/item"}},
    "boms": {"type": "array", "maxItems": 1000000, "items": {"$ref": "#/$defs/bom"}},
    "lines": {"type": "array", "maxItems": 1000000, "items": {"$ref": "#/$defs/flat"}}
  },
  "anyOf": [{"required": ["boms"]}, {"required": ["lines"]}, {"required": ["items"]}],
  "additionalProperties": false,
  "$defs": {
    "code": {"type": "string", "minLength": 1, "maxLength": 200},
    "text": {"type": ["string", "null"], "maxLength": 1000},
    "number": {"type": ["number", "string"]},
    "optional": {"type": ["number", "string", "null"]},
    "time": {"type": ["string", "null"], "maxLength": 40},
    "item": {
      "type": "object",
      "properties": {
        "code": {"$ref": "#/$defs/code"},
        "name": {"$ref": "#/$defs/text"},
        "unit": {"$ref": "#/$defs/text"},
        "source": {"enum": ["make", "buy", null]},
        "attributes": {"type": "object"}
      },
      "required": ["code"],
      "additionalProperties": false
    },
    "bom": {
      "type": "object",
      "properties": {
        "item": {"$ref": "#/$defs/code"},
        "name": {"$ref": "#/$defs/text"},
        "revision": {"$ref": "#/$defs/text"},
        "status": {"enum": ["draft", "released", null]},
        "base_quantity": {"$ref": "#/$defs/optional"},
        "unit": {"$ref": "#/$defs/text"},
        "valid_from": {"$ref": "#/$defs/time"},
        "valid_to": {"$ref": "#/$defs/time"},
        "operations": {"type": "array", "maxItems": 1000, "items": {"$ref": "#/$defs/operation"}},
        "lines": {"type": "array", "maxItems": 1000000, "items": {"$ref": "#/$defs/line"}}
      },
      "required": ["item", "lines"],
      "additionalProperties": false
    },
    "operation": {
      "type": "object",
      "properties": {
        "operation_no": {"type": ["integer", "string"]},
        "name": {"$ref": "#/$defs/text"},
        "work_center": {"$ref": "#/$defs/text"},
        "setup_minutes": {"$ref": "#/$defs/optional"},
        "run_minutes": {"$ref": "#/$defs/optional"}
      },
      "required": ["operation_no"],
      "additionalProperties": false
    },
    "line": {
      "type": "object",
      "properties": {
        "line_no": {"type": ["integer", "string", "null"]},
        "component": {"$ref": "#/$defs/code"},
        "component_revision": {"$ref": "#/$defs/text"},
        "name": {"$ref": "#/$defs/text"},
        "quantity": {"$ref": "#/$defs/number"},
        "unit": {"$ref": "#/$defs/text"},
        "scrap_rate": {"$ref": "#/$defs/optional"},
        "issue_method": {"enum": ["issue", "backflush", "floor_stock", null]},
        "operation_no": {"type": ["integer", "string", "null"]},
        "operation_name": {"$ref": "#/$defs/text"},
        "phantom": {"type": ["boolean", "null"]},
        "warehouse": {"$ref": "#/$defs/text"},
        "valid_from": {"$ref": "#/$defs/time"},
        "valid_to": {"$ref": "#/$defs/time"},
        "designators": {"type": ["array", "null"], "maxItems": 10000, "items": {"type": "string"}},
        "substitutes": {"type": ["array", "null"], "maxItems": 100, "items": {"$ref": "#/$defs/substitute"}}
      },
      "required": ["component", "quantity"],
      "additionalProperties": false
    },
    "flat": {
      "type": "object",
      "properties": {
        "level": {"type": ["integer", "string"]},
        "parent": {"$ref": "#/$defs/code"},
        "revision": {"$ref": "#/$defs/text"},
        "line_no": {"type": ["integer", "string", "null"]},
        "component": {"$ref": "#/$defs/code"},
        "component_revision": {"$ref": "#/$defs/text"},
        "name": {"$ref": "#/$defs/text"},
        "quantity": {"$ref": "#/$defs/optional"},
        "unit": {"$ref": "#/$defs/text"},
        "scrap_rate": {"$ref": "#/$defs/optional"},
        "issue_method": {"enum": ["issue", "backflush", "floor_stock", null]},
        "operation_no": {"type": ["integer", "string", "null"]},
        "operation_name": {"$ref": "#/$defs/text"},
        "phantom": {"type": ["boolean", "null"]},
        "warehouse": {"$ref": "#/$defs/text"},
        "valid_from": {"$ref": "#/$defs/time"},
        "valid_to": {"$ref": "#/$defs/time"},
        "designators": {"type": ["array", "null"], "maxItems": 10000, "items": {"type": "string"}},
        "substitutes": {"type": ["array", "null"], "maxItems": 100, "items": {"$ref": "#/$defs/substitute"}}
      },
      "required": ["component"],
      "anyOf": [{"required": ["parent", "quantity"]}, {"required": ["level"]}],
      "additionalProperties": false
    },
    "substitute": {
      "type": "object",
      "properties": {
        "component": {"$ref": "#/$defs/code"},
        "priority": {"type": ["integer", "string", "null"]},
        "ratio": {"$ref": "#/$defs/optional"}
      },
      "required": ["component"],
      "additionalProperties": false
    }
  }
}
$schema$);
