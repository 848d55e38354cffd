//! Places of topics: numbers with gaps, so that an edit in the middle changes the record of one topic only.

use super::Topic;

/// Distance between neighbours when a roadmap is numbered afresh.
pub const STEP: u32 = 1_024;

const _: () = assert!((super::MAX_TOPICS as u64 + 1) * (STEP as u64) < u32::MAX as u64);

/// A place between two others: `before` is the neighbour above, `after` the one below, `None` at an end of the list.
/// `None` when there is no room, and then the list must be numbered afresh ([`renumber`]).
#[must_use]
pub fn between(before: Option<u32>, after: Option<u32>) -> Option<u32> {
    match (before, after) {
        (None, None) => Some(STEP),
        (Some(before), None) => before.checked_add(STEP),
        (before, Some(after)) => {
            let before = before.unwrap_or(0);
            let gap = after.checked_sub(before)?;
            (gap >= 2).then(|| before + gap / 2)
        }
    }
}

/// Numbers topics by their position: [`STEP`], twice that, and so on. At most [`super::MAX_TOPICS`] topics.
pub fn renumber(topics: &mut [Topic]) {
    let mut order = 0_u32;
    for topic in topics {
        order = order.saturating_add(STEP);
        topic.order = order;
    }
}

/// Numbers topics by their position and changes as few of the known numbers as it can.
///
/// `known[i]` is the number that topic `i` had, if any. The longest ascending run of known numbers stays; the others
/// are spread in the gaps. When a gap is too small, all are numbered afresh.
pub fn place(topics: &mut [Topic], known: &[Option<u32>]) {
    let mut fixed = longest_ascending(known).into_iter().chain([topics.len()]);
    let mut from = 0;
    let mut low = 0_u32;
    while let Some(to) = fixed.next().filter(|to| from <= *to) {
        let count = u32::try_from(to - from).unwrap_or(u32::MAX);
        let high = known.get(to).copied().flatten();
        let step = match high {
            Some(high) => (high - low) / count.saturating_add(1),
            None => STEP,
        };
        if count > 0 && (step == 0 || u64::from(low) + u64::from(step) * u64::from(count) > u64::from(u32::MAX)) {
            return renumber(topics);
        }
        for (at, topic) in (1_u32..).zip(&mut topics[from..to]) {
            topic.order = low + step * at;
        }
        if let (Some(high), Some(topic)) = (high, topics.get_mut(to)) {
            topic.order = high;
            low = high;
        }
        from = to + 1;
    }
}

/// Positions of the longest strictly ascending run (with holes) of known numbers above 0.
fn longest_ascending(known: &[Option<u32>]) -> Vec<usize> {
    // tails[n] is the position that ends the best run of length n + 1; back[i] is what precedes i in its run.
    let mut tails: Vec<(u32, usize)> = Vec::new();
    let mut back: Vec<Option<usize>> = vec![None; known.len()];
    for (at, order) in known.iter().enumerate().filter_map(|(at, order)| Some((at, order.filter(|order| *order > 0)?)))
    {
        let length = tails.partition_point(|(tail, _)| *tail < order);
        back[at] = length.checked_sub(1).map(|before| tails[before].1);
        match tails.get_mut(length) {
            Some(tail) => *tail = (order, at),
            None => tails.push((order, at)),
        }
    }
    let mut run = Vec::new();
    let mut at = tails.last().map(|(_, at)| *at);
    while let Some(here) = at {
        run.push(here);
        at = back[here];
    }
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn placed(known: &[Option<u32>]) -> Vec<u32> {
        let mut topics = vec![Topic::default(); known.len()];
        place(&mut topics, known);
        topics.iter().map(|topic| topic.order).collect()
    }

    #[test]
    fn a_topic_fits_between_two_until_there_is_no_room() {
        assert_eq!(between(Some(1_024), Some(2_048)), Some(1_536));
        assert_eq!(between(None, Some(1_024)), Some(512));
        assert_eq!(between(Some(5), Some(6)), None);
        assert_eq!(between(Some(6), Some(5)), None);
        assert_eq!(between(Some(u32::MAX), None), None);
        assert_eq!(between(None, None), Some(STEP));
    }

    #[test]
    fn an_insertion_and_a_move_leave_the_others_where_they_are() {
        assert_eq!(placed(&[Some(1_024), None, Some(2_048)]), [1_024, 1_536, 2_048]);
        assert_eq!(placed(&[Some(3_072), Some(1_024), Some(2_048)]), [512, 1_024, 2_048]);
        assert_eq!(placed(&[Some(1), None, Some(2)]), [1_024, 2_048, 3_072]);
        assert_eq!(placed(&[None, None]), [1_024, 2_048]);
        assert_eq!(placed(&[]), [0_u32; 0]);
    }

    proptest! {
        #[test]
        fn places_ascend_for_any_history(known in proptest::collection::vec(any::<Option<u32>>(), 0..40)) {
            prop_assert!(placed(&known).windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn places_that_ascend_already_never_change(steps in proptest::collection::vec(1_u32..9_000, 0..40)) {
            let known: Vec<u32> = steps.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
            prop_assert_eq!(placed(&known.iter().copied().map(Some).collect::<Vec<_>>()), known);
        }
    }
}
