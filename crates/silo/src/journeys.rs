//! The measures that the journeys give: match rates, hand-over by source, identity coverage and consistency.

use std::cmp::Reverse;

use tributary_model::Domain;

use crate::fact::Facts;
use crate::report::{
    Conflict, ConflictedBy, Consistency, DomainPersons, IdentityCoverage, KnownOnce, MatchRates, Narratives, PairMatch,
    SourceDelay, SourceNaming,
};
use crate::share::Share;
use crate::tally::Tally;

impl MatchRates {
    /// Whether anything came from a domain; of one that is not connected nobody can say whom it knows.
    #[must_use]
    pub fn is_connected(&self, domain: Domain) -> bool {
        self.domains.iter().any(|known| known.domain == domain && known.touches > 0)
    }
}

/// Of the persons seen in one domain, those seen in another.
pub(crate) fn match_rates(tally: &Tally) -> MatchRates {
    let (mut pairs, mut both, mut possible) = (Vec::new(), 0, 0);
    for (row, from) in Domain::ALL.into_iter().enumerate() {
        for (column, to) in Domain::ALL.into_iter().enumerate().filter(|(column, _)| *column != row) {
            let shared = tally.seen[row][column];
            pairs.push(PairMatch { from, to, rate: Share::new(shared, tally.seen[row][row]) });
            if row < column {
                both += shared;
                possible += tally.seen[row][row].min(tally.seen[column][column]);
            }
        }
    }
    let touches = |domain: Domain| {
        let of_domain = tally.sources.iter().filter(|((_, from), _)| *from == domain);
        of_domain.map(|(_, sums)| sums.touches).sum()
    };
    let persons = |(place, domain): (usize, Domain)| DomainPersons {
        domain,
        persons: tally.seen[place][place],
        touches: touches(domain),
    };
    let domains = Domain::ALL.into_iter().enumerate().map(persons).collect();
    MatchRates { overlap: Share::new(both, possible), domains, pairs }
}

/// How late the sources' events come, by domain and name.
pub(crate) fn source_delays(tally: &Tally, facts: &Facts) -> Vec<SourceDelay> {
    let mut sources: Vec<SourceDelay> = tally
        .sources
        .iter()
        .map(|((source, domain), sums)| SourceDelay {
            source: facts.names.text(*source).to_owned(),
            domain: *domain,
            touches: sums.live,
            loaded: sums.touches - sums.live,
            delay: sums.delays.quantiles(),
            late: Share::new(sums.late, sums.live),
            late_persons: sums.late_persons,
            clock_ahead: sums.ahead,
        })
        .collect();
    sources.sort_by(|a, b| (a.domain, &a.source).cmp(&(b.domain, &b.source)));
    sources
}

/// Whether it is known who it was.
pub(crate) fn identity(tally: &Tally, facts: &Facts) -> IdentityCoverage {
    let mut sources: Vec<SourceNaming> = tally
        .sources
        .iter()
        .map(|((source, domain), sums)| SourceNaming {
            source: facts.names.text(*source).to_owned(),
            domain: *domain,
            touches: Share::new(sums.named, sums.touches),
            sales: Share::new(sums.named_sales, sums.sales),
        })
        .collect();
    sources.sort_by(|a, b| (a.domain, &a.source).cmp(&(b.domain, &b.source)));
    let sum = |of: fn(&SourceNaming) -> &Share| {
        let (named, all) = sources.iter().map(of).fold((0, 0), |sum, one| (sum.0 + one.count, sum.1 + one.of));
        Share::new(named, all)
    };
    let (touches, sales) = (sum(|source| &source.touches), sum(|source| &source.sales));
    let twice = tally.by_kinds.range(2..).map(|(_, persons)| persons).sum();
    let once = |(namespace, persons): (&_, &u64)| KnownOnce {
        namespace: facts.names.text(*namespace).to_owned(),
        persons: *persons,
    };
    let mut known_once: Vec<KnownOnce> = tally.by_one_kind.iter().map(once).collect();
    known_once.sort_by(|a, b| (Reverse(a.persons), &a.namespace).cmp(&(Reverse(b.persons), &b.namespace)));
    IdentityCoverage { touches, sales, known_twice: Share::new(twice, tally.persons), known_once, sources }
}

/// One story or several.
pub(crate) fn consistency(tally: &Tally, facts: &Facts) -> Consistency {
    let text = |name| facts.names.text(name).to_owned();
    let mut conflicts: Vec<Conflict> = tally
        .conflicts
        .iter()
        .filter(|(_, sums)| sums.touches > 0)
        .map(|(fact, sums)| Conflict {
            kind: text(fact.kind),
            channel: text(fact.channel),
            team: text(fact.team),
            agency: text(fact.agency),
            touches: sums.touches,
            persons: sums.persons,
            examples: sums.examples.iter().cloned().collect(),
        })
        .collect();
    conflicts.sort_by(|a, b| {
        let place = |one: &Conflict| (one.kind.clone(), one.channel.clone(), one.team.clone(), one.agency.clone());
        Reverse(a.touches).cmp(&Reverse(b.touches)).then_with(|| place(a).cmp(&place(b)))
    });
    let by = |(team, persons): (&_, &u64)| ConflictedBy { team: text(*team), persons: *persons };
    let mut teams: Vec<ConflictedBy> = tally.conflicted_by.iter().map(by).collect();
    teams.sort_by(|a, b| (Reverse(a.persons), &a.team).cmp(&(Reverse(b.persons), &b.team)));
    let narratives = |(narratives, persons): (&u8, &u64)| Narratives { narratives: *narratives, persons: *persons };
    Consistency {
        one_story: Share::new(tally.one_story, tally.heard.values().sum()),
        conflicted: Share::new(tally.conflicted, tally.persons),
        narratives: tally.heard.iter().map(narratives).collect(),
        teams,
        conflicts,
    }
}
