//! The OpenAPI document, made of the table of paths; `schemas/http/openapi.json` is a copy.

use serde_json::{Map, Value, json};

use crate::config::Limits;
use crate::refusal::FaultCode;
use crate::routes::{Endpoint, ROUTES, Route};

/// The document (OpenAPI 3.1).
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let method = if takes_events(route.endpoint) { "post" } else { "get" };
        paths.insert(route.path.to_owned(), json!({ method: operation(route) }));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tributary gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Takes events and answers 200 only when the event log has them. An event that breaks a limit \
                refuses its request as a whole, with every such event named, unless ?partial=true. \
                Repetitions are recognised by the id of an event, so sending again after 408 and 5xx is right.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "security": [{ "writeKey": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "writeKey": {
                    "type": "http", "scheme": "basic",
                    "description": "The write key as user, without password. Segment calls may carry writeKey in the body instead."
                },
                "bearer": { "type": "http", "scheme": "bearer", "description": "The write key as token." }
            },
            "responses": responses(),
            "schemas": schemas()
        }
    })
}

const fn takes_events(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Call(_) | Endpoint::Batch | Endpoint::Source => true,
        Endpoint::Health | Endpoint::OpenApi => false,
    }
}

fn operation(route: &Route) -> Value {
    let id: String = format!("{}{}", route.endpoint.name(), route.path.replace(['/', '{', '}', '.'], "_"));
    if !takes_events(route.endpoint) {
        return json!({
            "operationId": id,
            "summary": route.summary,
            "security": [],
            "responses": { "200": { "description": "As asked", "content": { "application/json": {} } } }
        });
    }
    let mut parameters = vec![json!({
        "name": "partial", "in": "query", "schema": { "type": "boolean", "default": false },
        "description": "Accept the good events of a request that has others too, and answer 207."
    })];
    if route.endpoint == Endpoint::Source {
        parameters.push(json!({
            "name": "source", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "Name of the source"
        }));
    }
    json!({
        "operationId": id,
        "summary": route.summary,
        "parameters": parameters,
        "requestBody": { "required": true, "content": content(route.endpoint) },
        "responses": RESPONSES
            .iter()
            .map(|status| ((*status).to_owned(), json!({ "$ref": format!("#/components/responses/{status}") })))
            .collect::<Map<_, _>>()
    })
}

fn content(endpoint: Endpoint) -> Value {
    let reference = |name: &str| json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
    match endpoint {
        Endpoint::Batch => json!({ "application/json": reference("Batch"), "text/plain": reference("Batch") }),
        Endpoint::Source => json!({
            "application/json": reference("Events"),
            "application/x-ndjson": { "schema": { "type": "string", "description": "One JSON object a line" } }
        }),
        _ => json!({ "application/json": reference("Message"), "text/plain": reference("Message") }),
    }
}

/// How a path that takes events may answer.
const RESPONSES: [&str; 10] = ["200", "207", "400", "401", "404", "408", "413", "415", "500", "503"];

fn responses() -> Value {
    let problem = |description: &str| {
        json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
        })
    };
    let later = |description: &str| {
        let mut response = problem(description);
        response["headers"] = json!({
            "Retry-After": { "schema": { "type": "integer" }, "description": "Seconds to wait" }
        });
        response
    };
    let accepted = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Accepted" } } }
        })
    };
    json!({
        "200": accepted("The event log has all events"),
        "207": accepted("The event log has the accepted events; the others are named (only with partial=true)"),
        "400": problem("Malformed JSON, or events that break a rule; nothing was accepted"),
        "401": problem("The write key is missing or wrong"),
        "404": problem("No such source or path"),
        "408": problem("The body came too slowly"),
        "413": problem("An event or the batch is too large"),
        "415": problem("Unsupported content type or encoding"),
        "500": problem("A defect of the gateway"),
        "503": later("Too much at once, or the event log did not acknowledge")
    })
}

fn schemas() -> Value {
    let limits = Limits::default();
    json!({
        "Message": message(&limits),
        "Batch": batch(&limits),
        "Events": events(&limits),
        "Accepted": accepted(),
        "Fault": fault(),
        "Problem": problem_schema()
    })
}

fn message(limits: &Limits) -> Value {
    let id = json!({ "type": ["string", "number", "null"] });
    let object = json!({ "type": ["object", "null"], "maxProperties": limits.properties });
    let time = time();
    json!({
        "type": "object",
        "description": format!("A Segment message of at most {}", limits.event),
        "properties": {
            "type": { "enum": ["identify", "track", "page", "screen", "group", "alias"] },
            "messageId": { "type": "string", "minLength": 1, "maxLength": limits.id_chars, "description": "Made when left out" },
            "userId": id, "anonymousId": id, "previousId": id, "groupId": id,
            "event": { "type": "string", "description": "What happened (track)" },
            "properties": object, "traits": object,
            "context": { "type": "object" }, "integrations": { "type": "object" },
            "timestamp": time, "sentAt": time
        }
    })
}

fn time() -> Value {
    json!({ "type": ["string", "null"], "description": "ISO 8601" })
}

fn batch(limits: &Limits) -> Value {
    let mut typed = json!({ "$ref": "#/components/schemas/Message" });
    typed["required"] = json!(["type"]);
    let time = time();
    json!({
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array", "maxItems": limits.batch_events, "items": typed,
                "description": format!("Messages of at most {} together", limits.batch)
            },
            "sentAt": time,
            "context": { "type": "object", "description": "For messages without one" },
            "integrations": { "type": "object", "description": "For messages without them" },
            "writeKey": { "type": "string" }
        }
    })
}

fn events(limits: &Limits) -> Value {
    json!({
        "oneOf": [
            { "type": "object", "maxProperties": limits.properties },
            { "type": "array", "maxItems": limits.batch_events, "items": { "type": "object", "maxProperties": limits.properties } }
        ]
    })
}

fn accepted() -> Value {
    json!({
        "type": "object",
        "required": ["success"],
        "properties": {
            "success": { "type": "boolean", "description": "Whether all events were accepted" },
            "accepted": { "type": "integer", "description": "Only with partial=true" },
            "refused": { "type": "integer", "description": "Only with partial=true" },
            "errors": { "type": "array", "items": { "$ref": "#/components/schemas/Fault" } }
        }
    })
}

fn fault() -> Value {
    json!({
        "type": "object",
        "required": ["index", "code", "field", "value", "detail", "remedy"],
        "properties": {
            "index": { "type": "integer", "description": "Which event of the request, from 0" },
            "code": { "enum": FaultCode::ALL.map(FaultCode::name) },
            "field": { "type": "string", "description": "The member it is about; empty for the event as a whole" },
            "value": { "type": "string", "description": "What stands there, shortened" },
            "detail": { "type": "string" },
            "limit": { "type": "string" },
            "remedy": { "type": "string", "description": "What to do" }
        }
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457)",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "description": "urn:tributary:problem:<code>" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string", "description": "The same as in type, in snake case" },
            "message": { "type": "string", "description": "The same as detail, where Segment's SDKs look for it" },
            "line": { "type": "integer", "description": "Of malformed JSON" },
            "column": { "type": "integer", "description": "Of malformed JSON" },
            "limit": { "type": "integer" },
            "total": { "type": "integer", "description": "Events in the request" },
            "refused": { "type": "integer", "description": "Events that were refused" },
            "errors": {
                "type": "array", "items": { "$ref": "#/components/schemas/Fault" },
                "description": "The first 100 faults"
            }
        }
    })
}
