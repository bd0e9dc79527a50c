//! A steady load: officers of both States speak in several files until they are told to stop.

use crate::harness::{Node, Scene, Told};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Both States speak in these files.
pub(crate) struct Load<'a> {
    pub(crate) scene: &'a Scene,
    files: Vec<String>,
    /// Words that an officer was told are sent, by file.
    given: Vec<Mutex<usize>>,
    /// Commands that failed as a whole.
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl<'a> Load<'a> {
    /// Opens `count` files; both nodes must serve.
    pub(crate) fn open(scene: &'a Scene, count: usize) -> Self {
        let files: Vec<String> = (0..count)
            .map(|_| {
                let file = scene.sent("preservation", None);
                scene.b.by(&scene.b.first, &["incoming", "triage", &file]);
                file
            })
            .collect();
        let given = files.iter().map(|_| Mutex::new(0)).collect();
        Self { scene, files, given, failed: AtomicUsize::new(0), stop: AtomicBool::new(false) }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.files.iter().map(String::as_str).zip(self.given.iter().map(|given| *given.lock().unwrap()))
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn given(&self) -> usize {
        self.files().map(|(_, given)| given).sum()
    }

    /// One officer's words in the file number `at`; a command that failed is told by its code.
    pub(crate) fn speak(&self, by_a: bool, at: usize) -> Result<(), Told> {
        let (node, noun): (&Node, _) =
            if by_a { (&self.scene.a, "request") } else { (&self.scene.b, "incoming") };
        let (file, text) = (&self.files[at], format!("words {at}, {}", self.given()));
        let told = node.begin(&node.first, &[noun, "consult", file, "--text", &text]).end();
        if told.code != Some(0) {
            return Err(told);
        }
        *self.given[at].lock().unwrap() += 1;
        Ok(())
    }

    /// Both States speak in turn in all files for as long as `meanwhile` takes.
    ///
    /// An officer who is told that the disk is full or the database is held goes on with other words.
    pub(crate) fn during<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.stop.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            for by_a in [true, false] {
                scope.spawn(move || {
                    for at in (0..self.files.len()).cycle() {
                        if self.stop.load(Ordering::SeqCst) {
                            break;
                        }
                        if let Err(told) = self.speak(by_a, at) {
                            assert!(
                                ["F-002", "F-003"].contains(&told.failure()),
                                "under load: {}",
                                told.errors
                            );
                            self.failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            // Told to stop also when `meanwhile` fails, or nobody would ever hear of it.
            let stop = Stop(&self.stop);
            let done = meanwhile();
            drop(stop);
            done
        })
    }
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
