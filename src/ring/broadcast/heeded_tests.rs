//! What a lossless reader is promised, on one thread: it is heeded from the first answer that looks and counts it, reads in
//! place, and nothing of its goes. Threads are in `tests/ring_stress.rs` and the loom models.

use super::tests::{CAPACITY, Got, poll, publish, record};
use super::{Delivery, Lag, PublishError, Publisher, Reader, channel};

#[test]
fn a_producer_that_was_refused_room_is_refused_the_record() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut reader = tap.gating_reader(None).unwrap();
    (0..6).for_each(|_| _ = publish(&mut publisher, 8));
    assert!(!publisher.room_for(10), "from now on the reader is heeded");
    for _ in 0..2 {
        assert_eq!(publisher.publish(&[0; 8]), Err(PublishError::NoRoom));
        assert_eq!(publisher.publish_parts(&[&[0; 4], &[0; 4]]), Err(PublishError::NoRoom));
    }
    assert!(reader.is_gating() && publisher.demotions() == 0 && publisher.next_number() == 6);
    let expected: Vec<Got> = (0..6).map(|number| Got::Record(number, record(number, 8))).collect();
    assert_eq!(poll(&mut reader, 9), expected);
    assert_eq!(publish(&mut publisher, 8), 6);
    assert_eq!(poll(&mut reader, 9), [Got::Record(6, record(6, 8))]);
}

#[test]
fn room_that_was_found_stays_whoever_comes() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    assert!(publisher.room_for(60));
    let mut late = tap.gating_reader(None).unwrap();
    (0..6).for_each(|_| _ = publish(&mut publisher, 8));
    assert_eq!(publisher.publish(&[0; 8]), Ok(6), "who has come since is not heeded yet");
    assert!(late.is_demoted());
    assert_eq!(poll(&mut late, 1), [Got::Lag(Lag { from: 0, to: 0, count: 1 })]);
}

/// Who was seen by another look is heeded when an answer comes to its limit, and lost nothing until then.
#[test]
fn whom_another_look_saw_first_is_heeded_at_its_limit() {
    type Look = fn(&mut Publisher);
    let looks: [Look; 3] = [
        |publisher| assert_eq!(publisher.gates(), 1),
        |publisher| assert!(publisher.credit_words() > 10),
        |publisher| _ = publish(publisher, 8),
    ];
    for look in looks {
        let (mut publisher, tap) = channel(CAPACITY).unwrap();
        let mut reader = tap.gating_reader(None).unwrap();
        look(&mut publisher);
        let lies_there = |reader: &mut Reader, publisher: &mut Publisher| {
            let number = publish(publisher, 8);
            let mut seen = None;
            reader.poll(9, |delivery| match delivery {
                Delivery::Record { words, .. } => seen = Some(words.as_ptr()),
                lag => panic!("{number}: {lag:?}"),
            });
            seen
        };
        assert!(publisher.room_for(10), "an answer that need not look");
        let copied = lies_there(&mut reader, &mut publisher);
        assert_eq!(lies_there(&mut reader, &mut publisher), copied, "its own buffer: it is not heeded yet");
        assert!(!publisher.room_for(CAPACITY), "it is counted now");
        assert_ne!(lies_there(&mut reader, &mut publisher), lies_there(&mut reader, &mut publisher), "in place");
    }
}

#[test]
fn who_is_heeded_reads_in_place_and_gives_back_once_a_batch() {
    let (mut publisher, tap) = channel(8 * CAPACITY).unwrap();
    let mut readers = [tap.gating_reader(None).unwrap(), tap.gating_reader(None).unwrap(), tap.reader_at_now()];
    assert!(publisher.room_for(30));
    (0..3).for_each(|_| _ = publish(&mut publisher, 8));
    let [first, second, lossy] = readers.each_mut().map(|reader| {
        let mut seen = Vec::new();
        reader.poll(3, |delivery| {
            let Delivery::Record { number, words } = delivery else { panic!("{delivery:?}") };
            assert_eq!(words, record(number, 8));
            seen.push((words.as_ptr(), tap.held_words()));
        });
        seen
    });
    assert!(first.iter().chain(&second).all(|(_, held)| *held == 30), "not before the batch ends");
    assert_eq!(first, second, "the same words");
    assert_ne!(first[0].0, first[1].0);
    assert_eq!(lossy[0], lossy[1], "a buffer of its own");
    assert_eq!(tap.held_words(), 0);
}

#[test]
fn a_record_on_which_a_heeded_reader_panics_is_delivered_and_given_back() {
    let (mut publisher, tap) = channel(CAPACITY).unwrap();
    let mut reader = tap.gating_reader(None).unwrap();
    assert!(publisher.room_for(30));
    (0..3).for_each(|_| _ = publish(&mut publisher, 8));
    let mut handed = 0;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        reader.poll(3, |_| {
            handed += 1;
            assert!(handed < 2, "as told");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((reader.next_number(), tap.held_words()), (2, 10));
    assert_eq!(poll(&mut reader, 9), [Got::Record(2, record(2, 8))]);
}
