//! Folding who belongs.

use criterion::{Criterion, Throughput};
use studymesh::membership::{Act, Acts};
use studymesh::model::action::{Action, Admit, Endorse, Genesis, GroupKind, Role};
use studymesh::model::id::{EntryId, LogId};

use crate::GROUP;

fn log(n: usize) -> LogId {
    LogId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// A founder lets people in, one after the other, each of whom introduces itself.
fn group(people: usize) -> Acts {
    let mut acts = Acts::new(GROUP);
    let mut last: Option<EntryId> = None;
    let mut number = 0usize;
    let mut add = |by: usize, action: Action| {
        number += 1;
        let id = EntryId(*blake3::hash(&[b"act", &number.to_le_bytes()[..]].concat()).as_bytes());
        let person = matches!(action, Action::Endorse(_)).then(|| log(by).into());
        let act = Act { id, log: log(by), action: Some(action), proven: true, person };
        acts.add_checked(&last.into_iter().collect::<Vec<_>>(), act);
        last = Some(id);
    };
    let endorse = || Action::Endorse(Endorse { transport: [0; 32], transport_sig: [0; 64], person: vec![] });
    add(0, Action::Genesis(Genesis { kind: GroupKind::Closed, salt: [0; 16] }));
    add(0, endorse());
    for who in 1..people {
        add(0, Action::Admit(Admit { person: log(who).into(), role: Role::Member, invite: None }));
        add(who, endorse());
    }
    acts
}

pub fn benches(c: &mut Criterion) {
    let mut bench = c.benchmark_group("membership");
    for people in [50, 5_000] {
        let acts = group(people);
        assert_eq!(acts.fold().persons().len(), people);
        bench.throughput(Throughput::Elements(acts.len() as u64));
        bench.bench_function(format!("fold {people} people"), |b| b.iter(|| acts.fold()));
    }
    bench.finish();
}
