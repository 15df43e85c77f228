//! The paths that the gateway answers at; the router and the OpenAPI document are both made of this table.

use crate::segment::Call;

/// What a path does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// One Segment message.
    Call(Call),
    /// Many Segment messages.
    Batch,
    /// Raw JSON of the source in the path.
    Source,
    /// Whether the gateway runs.
    Health,
    /// The OpenAPI document.
    OpenApi,
}

impl Endpoint {
    /// The label in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Call(call) => call.name(),
            Self::Batch => "batch",
            Self::Source => "source",
            Self::Health => "health",
            Self::OpenApi => "openapi",
        }
    }
}

/// A path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) summary: &'static str,
}

const fn route(path: &'static str, endpoint: Endpoint, summary: &'static str) -> Route {
    Route { path, endpoint, summary }
}

/// All paths. The one-letter ones are those of Segment's SDKs in browsers and on phones.
pub(crate) const ROUTES: &[Route] = &[
    route("/v1/identify", Endpoint::Call(Call::Identify), "Who somebody is"),
    route("/v1/track", Endpoint::Call(Call::Track), "What somebody did"),
    route("/v1/page", Endpoint::Call(Call::Page), "A web page that somebody saw"),
    route("/v1/screen", Endpoint::Call(Call::Screen), "A screen of an app that somebody saw"),
    route("/v1/group", Endpoint::Call(Call::Group), "The account that somebody belongs to"),
    route("/v1/alias", Endpoint::Call(Call::Alias), "Two ids of one person"),
    route("/v1/batch", Endpoint::Batch, "Many messages"),
    route("/v1/import", Endpoint::Batch, "Many messages, by the older name"),
    route("/v1/i", Endpoint::Call(Call::Identify), "identify, by its short name"),
    route("/v1/t", Endpoint::Call(Call::Track), "track, by its short name"),
    route("/v1/p", Endpoint::Call(Call::Page), "page, by its short name"),
    route("/v1/s", Endpoint::Call(Call::Screen), "screen, by its short name"),
    route("/v1/g", Endpoint::Call(Call::Group), "group, by its short name"),
    route("/v1/a", Endpoint::Call(Call::Alias), "alias, by its short name"),
    route("/v1/b", Endpoint::Batch, "batch, by its short name"),
    route("/v1/sources/{source}", Endpoint::Source, "Events of any source as they are: an object, an array, or NDJSON"),
    route("/healthz", Endpoint::Health, "Whether the gateway runs"),
    route("/openapi.json", Endpoint::OpenApi, "This document"),
];
