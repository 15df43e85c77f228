//! What every binary needs: configuration, telemetry, health, shutdown and the admin HTTP server.
