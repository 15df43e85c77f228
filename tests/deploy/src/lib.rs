//! The chart, rendered by Helm's own library, and docker-compose.yml, read by Docker Compose, against the hub: see
//! `tests/`.
