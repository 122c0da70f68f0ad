//! What subscriptions promise, against a venue of a few lines.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::message::{Control, Verb};
use super::state::{StreamChange, StreamCounts, StreamState};
use super::streams::Subscriptions;

const SECOND: u64 = 1_000_000_000;
const SILENT: u64 = 10 * SECOND;

fn wanting(count: usize) -> Subscriptions {
    let mut subscriptions = Subscriptions::new(SILENT);
    (0..count).for_each(|n| subscriptions.want(&format!("s{n}@trade"), 0));
    subscriptions
}

fn names_in(message: &Control) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(&message.text).unwrap();
    assert_eq!(value["id"].as_u64(), Some(message.id));
    value["params"].as_array().into_iter().flatten().map(|n| n.as_str().unwrap().to_owned()).collect()
}

fn state(subscriptions: &Subscriptions, name: &str) -> Option<StreamState> {
    subscriptions.iter().find(|(n, _)| *n == name).map(|(_, s)| s)
}

#[test]
fn messages_name_at_most_a_hundred_streams_and_one_is_under_way_at_a_time() {
    for (count, messages) in [(0, 0), (1, 1), (100, 1), (101, 2), (1_024, 11)] {
        let (mut subscriptions, mut asked, mut sent) = (wanting(count), Vec::new(), 0);
        while let Some(message) = subscriptions.next_message(0) {
            assert_eq!(subscriptions.next_message(0), None, "an answer comes first");
            asked.extend(names_in(&message));
            subscriptions.done(Some(message.id), None, 0);
            sent += 1;
        }
        assert_eq!((sent, asked.len()), (messages, count));
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), count, "each once");
        assert_eq!(subscriptions.counts(), StreamCounts { acknowledged: count, ..StreamCounts::default() });
    }
}

#[test]
fn an_acknowledgement_is_not_life_and_silence_is_not_death() {
    let mut subscriptions = wanting(3);
    let message = subscriptions.next_message(0).unwrap();
    assert!(subscriptions.seen("s0@trade", 1), "frames may come before the answer");
    assert!(!subscriptions.seen("s0@trade", 2) && !subscriptions.seen("nobody@trade", 2));
    subscriptions.done(Some(message.id), None, SECOND);
    assert_eq!(state(&subscriptions, "s0@trade"), Some(StreamState::Live));
    assert_eq!(state(&subscriptions, "s1@trade"), Some(StreamState::Acknowledged));
    assert!(!subscriptions.is_settled());
    assert!(subscriptions.tick(SECOND + SILENT));
    assert_eq!(state(&subscriptions, "s1@trade"), Some(StreamState::Silent));
    assert!(subscriptions.is_settled() && subscriptions.listens());
    assert!(subscriptions.seen("s1@trade", 30 * SECOND) && subscriptions.seen("s2@trade", 30 * SECOND));
    assert!(!subscriptions.listens());
}

#[test]
fn a_refused_list_is_halved_until_the_bad_name_stands_alone() {
    for (count, bad) in [(1, 0), (2, 1), (100, 37), (250, 249)] {
        let (mut subscriptions, bad) = (wanting(count), format!("s{bad}@trade"));
        let (mut refused, mut messages) = (Vec::new(), 0);
        while let Some(message) = subscriptions.next_message(0) {
            messages += 1;
            if names_in(&message).contains(&bad) {
                refused.extend(subscriptions.refused(Some(message.id), 0).map(str::to_owned));
            } else {
                subscriptions.done(Some(message.id), None, 0);
            }
        }
        assert_eq!(refused, [bad.as_str()]);
        assert_eq!(
            subscriptions.counts(),
            StreamCounts { acknowledged: count - 1, refused: 1, ..StreamCounts::default() }
        );
        assert!(messages <= 20, "{messages} messages for {count} names");
    }
}

#[test]
fn a_lost_answer_is_settled_by_asking_for_the_list() {
    let mut subscriptions = wanting(3);
    let first = subscriptions.next_message(0).unwrap();
    subscriptions.done(Some(first.id + 1), None, 0);
    assert_eq!(subscriptions.next_message(0), None, "an answer with a wrong id is nobody's");
    subscriptions.seen("s2@trade", 1);
    assert!(subscriptions.tick(5 * SECOND));
    let list = subscriptions.next_message(5 * SECOND).unwrap();
    assert_eq!(list.verb, Verb::List);
    subscriptions.done(Some(list.id), Some(&["s0@trade".to_owned()]), 6 * SECOND);
    assert_eq!(state(&subscriptions, "s0@trade"), Some(StreamState::Acknowledged));
    let again = subscriptions.next_message(6 * SECOND).unwrap();
    assert_eq!(names_in(&again), ["s1@trade"]);
    subscriptions.done(None, None, 6 * SECOND);
    assert_eq!(state(&subscriptions, "s1@trade"), Some(StreamState::Acknowledged), "an answer without an id");
}

#[test]
fn a_venue_that_never_lists_a_name_refuses_it_in_the_end() {
    let (mut subscriptions, mut now, mut asked) = (wanting(1), 0, 0);
    while let Some(message) = subscriptions.next_message(now) {
        if message.verb == Verb::List {
            subscriptions.done(Some(message.id), Some(&[]), now);
        } else {
            asked += 1;
            now += 5 * SECOND;
            assert!(subscriptions.tick(now));
        }
    }
    assert_eq!((asked, state(&subscriptions, "s0@trade")), (3, Some(StreamState::Refused)));
}

#[test]
fn a_venue_that_answers_nothing_is_given_up() {
    let (mut subscriptions, mut now, mut sent) = (wanting(1), 0, 0);
    while subscriptions.tick(now) {
        sent += usize::from(subscriptions.next_message(now).is_some());
        now += 5 * SECOND;
        assert!(now < 100 * SECOND);
    }
    assert_eq!(sent, 3);
}

#[test]
fn streams_come_and_go() {
    let mut subscriptions = wanting(2);
    subscriptions.unwant("s1@trade", 0);
    let message = subscriptions.next_message(0).unwrap();
    assert_eq!(names_in(&message), ["s0@trade"], "what was not asked for is not taken back");
    subscriptions.done(Some(message.id), None, 0);
    subscriptions.unwant("s0@trade", 1);
    subscriptions.unwant("s0@trade", 1);
    let leave = subscriptions.next_message(1).unwrap();
    assert_eq!((leave.verb, names_in(&leave)), (Verb::Unsubscribe, vec!["s0@trade".to_owned()]));
    assert!(!subscriptions.seen("s0@trade", 1), "late frames do not bring it back");
    subscriptions.done(Some(leave.id), None, 2);
    assert_eq!(state(&subscriptions, "s0@trade"), None);
    subscriptions.want("s0@trade", 3);
    subscriptions.want("s0@trade", 3);
    assert_eq!(names_in(&subscriptions.next_message(3).unwrap()), ["s0@trade"]);
    assert_eq!(subscriptions.counts().requested, 1);
}

#[test]
fn a_stream_of_the_url_is_not_asked_for_and_lives_or_is_silent_like_any_other() {
    let mut subscriptions = Subscriptions::new(100);
    subscriptions.given("a@trade", 0);
    assert_eq!(subscriptions.next_message(0), None);
    let mut told = Vec::new();
    subscriptions.take_answered(|name| told.push(name.to_owned()));
    assert!(told == ["a@trade"] && !subscriptions.is_settled(), "{told:?}");
    let mut other = subscriptions.clone();
    assert!(subscriptions.tick(100) && subscriptions.is_settled());
    assert_eq!(subscriptions.counts().silent, 1);
    assert!(other.seen("a@trade", 50));
    assert_eq!((other.counts().live, other.is_settled()), (1, true));
}

/// What is wanted and given up in quick order is never left behind at the venue: it has what the last word says.
#[test]
fn the_last_word_on_a_stream_is_what_the_venue_has() {
    // Every sequence of words, each followed by as many messages as the bits of `sends` say.
    for (words, sends) in (0..64u32).flat_map(|words| (0..64u32).map(move |sends| (words, sends))) {
        let (mut subscriptions, mut venue) = (Subscriptions::new(SILENT).followed(), std::collections::BTreeSet::new());
        let mut send = |subscriptions: &mut Subscriptions, now| {
            while let Some(message) = subscriptions.next_message(now) {
                for name in names_in(&message) {
                    _ = if message.verb == Verb::Subscribe { venue.insert(name) } else { venue.remove(&name) };
                }
                subscriptions.done(Some(message.id), None, now);
            }
            venue.clone()
        };
        for turn in 0..6 {
            if words >> turn & 1 == 1 {
                subscriptions.want("a@trade", 0);
            } else {
                subscriptions.unwant("a@trade", 0);
            }
            if sends >> turn & 1 == 1 {
                send(&mut subscriptions, 0);
            }
        }
        let (there, wanted) = (send(&mut subscriptions, 0), words >> 5 & 1 == 1);
        assert_eq!(there.contains("a@trade"), wanted, "{words:06b} {sends:06b}");
        assert_eq!(state(&subscriptions, "a@trade").is_some(), wanted, "{words:06b} {sends:06b}");
        let mut changes = Vec::new();
        subscriptions.take_changes(&mut changes);
        let last = changes.last().map(|(_, change)| *change);
        let expected = if wanted { Some(StreamChange::Acknowledged) } else { last.and(Some(StreamChange::Gone)) };
        assert_eq!(last, expected, "{words:06b} {sends:06b}: {changes:?}");
    }
}

#[test]
fn the_venues_own_list_is_held_against_ours_once_all_is_quiet() {
    let mut subscriptions = wanting(3);
    let message = subscriptions.next_message(0).unwrap();
    subscriptions.done(Some(message.id), None, 0);
    assert_eq!(subscriptions.next_message(SECOND), None);
    let list = subscriptions.next_message(2 * SECOND).unwrap();
    assert_eq!((list.verb, names_in(&list).len()), (Verb::List, 0));
    let listed = ["s0@trade", "s2@trade", "stray@trade"].map(str::to_owned);
    subscriptions.done(Some(list.id), Some(&listed), 2 * SECOND);
    let off = subscriptions.next_message(2 * SECOND).unwrap();
    assert_eq!((off.verb, names_in(&off)), (Verb::Unsubscribe, vec!["stray@trade".to_owned()]));
    subscriptions.done(Some(off.id), None, 2 * SECOND);
    let on = subscriptions.next_message(2 * SECOND).unwrap();
    assert_eq!((on.verb, names_in(&on)), (Verb::Subscribe, vec!["s1@trade".to_owned()]));
    subscriptions.done(Some(on.id), None, 2 * SECOND);
    let again = subscriptions.next_message(4 * SECOND).unwrap();
    assert_eq!(again.verb, Verb::List);
    let all = ["s0@trade", "s1@trade", "s2@trade"].map(str::to_owned);
    subscriptions.done(Some(again.id), Some(&all), 4 * SECOND);
    assert_eq!(subscriptions.next_message(u64::MAX), None, "what agrees is not asked again");
}

#[test]
fn a_refusal_is_not_for_ever() {
    let (mut subscriptions, mut now, mut asked) = (wanting(1), 0, Vec::new());
    while asked.len() < 4 {
        assert!(subscriptions.tick(now) && now < 100 * SECOND);
        if let Some(message) = subscriptions.next_message(now).filter(|m| m.verb == Verb::Subscribe) {
            subscriptions.refused(Some(message.id), now);
            asked.push(now / SECOND);
        } else if let Some(way) = subscriptions.under_way_id() {
            subscriptions.done(Some(way), None, now);
        }
        now += SECOND;
    }
    assert_eq!(asked, [0, 5, 15, 35]);
}

/// What a venue makes of a message.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Done,
    DoneTwice,
    /// Done, and the answer is lost.
    Unanswered,
    /// Neither done nor answered.
    Lost,
    Refused,
    RefusedWithoutId,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Want(u8),
    Unwant(u8),
    /// The next message goes out, and this becomes of it.
    Send(Outcome),
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    use Outcome::{Done, DoneTwice, Lost, Refused, RefusedWithoutId, Unanswered};
    let outcomes = vec![Done, Done, DoneTwice, Unanswered, Lost, Refused, Refused, RefusedWithoutId];
    prop_oneof![
        3 => (0..4u8).prop_map(Step::Want),
        3 => (0..4u8).prop_map(Step::Unwant),
        4 => prop::sample::select(outcomes).prop_map(Step::Send),
        2 => (1..6u8).prop_map(Step::Wait),
    ]
}

/// A venue in a few lines: what it has, and how it answers.
#[derive(Debug, Default)]
struct Few {
    has: BTreeSet<String>,
}

impl Few {
    fn hear(&mut self, subscriptions: &mut Subscriptions, message: &Control, outcome: Outcome, now: u64) {
        if !matches!(outcome, Outcome::Lost | Outcome::Refused | Outcome::RefusedWithoutId) {
            for name in names_in(message) {
                _ = match message.verb {
                    Verb::Subscribe => self.has.insert(name),
                    Verb::Unsubscribe => self.has.remove(&name),
                    Verb::List => false,
                };
            }
        }
        let list: Vec<String> = self.has.iter().cloned().collect();
        let list = (message.verb == Verb::List).then_some(&*list);
        match outcome {
            Outcome::Done => subscriptions.done(Some(message.id), list, now),
            Outcome::DoneTwice => (0..2).for_each(|_| subscriptions.done(Some(message.id), list, now)),
            Outcome::Unanswered | Outcome::Lost => {}
            Outcome::Refused => _ = subscriptions.refused(Some(message.id), now),
            Outcome::RefusedWithoutId => _ = subscriptions.refused(None, now),
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_venue_answered_it_has_what_is_wanted_once_it_answers_well(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let (mut subscriptions, mut venue, mut now) = (Subscriptions::new(SILENT), Few::default(), 0);
        let mut wanted = BTreeSet::new();
        for step in steps {
            match step {
                Step::Want(n) => {
                    let name = format!("s{n}@trade");
                    subscriptions.want(&name, now);
                    wanted.insert(name);
                }
                Step::Unwant(n) => {
                    let name = format!("s{n}@trade");
                    subscriptions.unwant(&name, now);
                    wanted.remove(&name);
                }
                Step::Send(outcome) => {
                    if let Some(message) = subscriptions.next_message(now) {
                        venue.hear(&mut subscriptions, &message, outcome, now);
                    }
                }
                Step::Wait(seconds) => {
                    now += u64::from(seconds) * SECOND;
                    if !subscriptions.tick(now) {
                        // The connection is given up, and the venue's streams with it.
                        return Ok(());
                    }
                }
            }
        }
        // The longest wait after a refusal is over five minutes.
        for turn in 0..1_000 {
            now += SECOND;
            if !subscriptions.tick(now) {
                prop_assert!(turn < 6, "only over what went unanswered before");
                return Ok(());
            }
            while let Some(message) = subscriptions.next_message(now) {
                venue.hear(&mut subscriptions, &message, Outcome::Done, now);
            }
        }
        prop_assert_eq!(&venue.has, &wanted);
        let known: BTreeSet<String> = subscriptions.iter().map(|(name, _)| name.to_owned()).collect();
        prop_assert_eq!(&known, &wanted);
    }
}
