# syntax=docker/dockerfile:1

# The hub's one binary on a slim Debian. Schemas, sources, rules and triggers that are built in are part of the binary,
# so it is all that is copied. Both stages are the same Debian release, so that the C library is the same.

FROM rust:1.95.0-slim-trixie AS build
# A C compiler with make and Perl for librdkafka and OpenSSL, Python for a script of librdkafka's build.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential perl pkg-config python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# `tls` is for brokers with TLS or SASL; others work with it too.
ARG FEATURES=tls
# The caches belong to the builder and are in no layer, so the binary is copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package tributary-tributary --bin tributary --features "$FEATURES" \
    && install -D --mode=0755 --strip target/release/tributary /out/tributary

FROM debian:13.2-slim
# Roots of trust for brokers and webhooks with certificates of public authorities.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tributary \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tributary \
    && install -d --owner=10001 --group=10001 --mode=0750 /var/lib/tributary \
    && install -d --mode=0755 /etc/tributary
COPY --from=build /out/tributary /usr/local/bin/tributary
COPY LICENSE /usr/share/doc/tributary/LICENSE
# For state of gigabytes: huge pages where the system offers them, a look through the whole heap only now and then, and what
# is freed kept for a minute, as the next transaction takes as much again.
ENV MIMALLOC_ALLOW_THP=2 MIMALLOC_GENERIC_COLLECT=1000000 MIMALLOC_PURGE_DELAY=60000
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
# The gateway, and health with metrics.
EXPOSE 8080 9464
ENTRYPOINT ["tributary"]
CMD ["--help"]
