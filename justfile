# The project's verbs. `just` lists them; CI calls only what stands here.

# show this list
default:
    @just --list

# format all code
fmt:
    cargo fmt --all

# formatting, clippy, licences
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny check licenses bans sources

# install what the tests need and run them all
test *args:
    ./test {{args}}

# the tests on a real broker
broker:
    ./test -E 'package(tributary-test-broker) or binary(hub) or binary(chaos)'

# kills, stops, freezes, cuts and scales the hub's processes for minutes, then compares every topic with what must be on it
chaos minutes="10" seed="1":
    TRIBUTARY_CHAOS_MINUTES={{minutes}} TRIBUTARY_CHAOS_SEED={{seed}} ./test --run-ignored only --no-capture -E 'binary(chaos)'

# a day of a simulated retailer at a hundred times its speed with thirty triggers, through a kill: every promise of the ledger
day speed="100" persons="4000":
    TRIBUTARY_DAY_SPEED={{speed}} TRIBUTARY_DAY_PERSONS={{persons}} ./test --run-ignored only --no-capture -E 'test(a_day_at_a_hundred_times_its_speed)'

# the retailer's days in steps, lived with kills in the middle of steps and without: one ledger
day-twice persons="4000":
    TRIBUTARY_DAY_PERSONS={{persons}} ./test --run-ignored only --no-capture -E 'test(kills_in_the_middle_of_many_steps)'

# figures: everything side by side with other engines, and the targets with their verdicts; `just bench quick` in five minutes
bench *args:
    tests/bench/run {{args}}

# figures: the steps of the stages by themselves under Criterion, or those whose names hold a word: `just bench-steps journey`
bench-steps *args:
    cargo bench -p tributary-bench --bench steps -- {{args}}

# figures: back in service from checkpoints and from changelogs, and latency while checkpoints are written
bench-restore *args:
    cargo run --release -p tributary-bench --bin restore -- {{args}}

# figures: a store on disk against one in memory, by how often what is looked for is in memory
bench-disk *args:
    cargo run --release -p tributary-bench --bin disk -- {{args}}

# figures: a generated base through identity in memory: memory, lookups and merges a CPU second, events that are forwarded
bench-identity *args:
    cargo run --release -p tributary-bench --bin identity -- {{args}}

# figures: from a raw event to its trigger on the team's topic, through the whole hub at a steady rate
bench-trigger *args:
    cargo build --release --bin tributary
    cargo run --release -p tributary-bench --bin trigger -- {{args}}

# figures: latency of a healthy destination of webhooks beside healthy and beside dead, slow, flapping and gone ones
bench-webhooks *args:
    cargo run --release -p tributary-bench --bin webhooks -- {{args}}

# make the tables and pictures of docs/capacity.md new from tests/capacity/costs.yaml
capacity:
    cargo run --release -p tributary-capacity -- write docs/capacity.md

# write measured costs into tests/capacity/costs.yaml: `just capacity-set --by "just bench-identity" identity.thread_us=5.2`
[positional-arguments]
capacity-set *args:
    cargo run --release -p tributary-capacity -- set tests/capacity/costs.yaml "$@"

# how large a hub has to be: `just capacity-plan --events 100000 --persons 1e8`
capacity-plan *args:
    cargo run --release -p tributary-capacity -- plan {{args}}

# how it behaves then: latency over load, and when workers come, go and die
capacity-simulate *args:
    cargo run --release -p tributary-capacity -- simulate {{args}}

# the hub on a log in memory with faults, over many seeds
sim seeds="10000" *args:
    cargo run --release -p tributary-test-sim -- {{seeds}} {{args}}

# the decision ledger after faults against that of the run without, over many seeds
sim-ledger seeds="3000" *args:
    cargo run --release -p tributary-test-sim -- {{seeds}} --ledger {{args}}

# break the hub on purpose, and demand that the simulation notices
mutations *args:
    tests/sim/mutations/run {{args}}

# what CI runs
verify:
    .ci/run

# the demo, with its own broker
demo *args:
    cargo run --release --bin tributary -- demo {{args}}

# freeze the current Avro schemas as published versions
publish-schemas:
    cargo run --quiet -p tributary-schema --example publish
