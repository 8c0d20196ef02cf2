//! A queue with leases: a job that is taken must be acknowledged in time, or it is given to the next.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Decides only: the time is passed in.
#[derive(Debug)]
pub struct Queue<T> {
    ready: VecDeque<Job<T>>,
    leased: BTreeMap<u64, (Job<T>, Instant)>,
    next_lease: u64,
    lease_for: Duration,
    max_jobs: usize,
    max_attempts: u32,
    /// Jobs given up after their last attempt.
    pub abandoned: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Job<T> {
    pub content: T,
    pub queued: Instant,
    pub attempts: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl<T: Clone> Queue<T> {
    pub fn new(lease_for: Duration, max_jobs: usize, max_attempts: u32) -> Self {
        Self { ready: VecDeque::new(), leased: BTreeMap::new(), next_lease: 1, lease_for, max_jobs, max_attempts, abandoned: 0 }
    }

    pub fn push(&mut self, content: T, now: Instant) -> Result<(), Full> {
        if self.depth() >= self.max_jobs {
            return Err(Full);
        }
        self.ready.push_back(Job { content, queued: now, attempts: 0 });
        Ok(())
    }

    /// The oldest job, to be acknowledged by its number.
    pub fn lease(&mut self, now: Instant) -> Option<(u64, Job<T>)> {
        self.expire(now);
        let mut job = self.ready.pop_front()?;
        job.attempts += 1;
        let number = self.next_lease;
        self.next_lease += 1;
        self.leased.insert(number, (job.clone(), now + self.lease_for));
        Some((number, job))
    }

    /// False if the lease is over.
    pub fn acknowledge(&mut self, lease: u64) -> bool {
        self.leased.remove(&lease).is_some()
    }

    /// Gives a job back at once. False if the lease is over.
    pub fn reject(&mut self, lease: u64) -> bool {
        let Some((job, _)) = self.leased.remove(&lease) else { return false };
        self.put_back(job);
        true
    }

    /// Jobs that nobody has acknowledged.
    pub fn depth(&self) -> usize {
        self.ready.len() + self.leased.len()
    }

    /// How long the oldest of them has been here.
    pub fn oldest_age(&self, now: Instant) -> Duration {
        let leased = self.leased.values().map(|(job, _)| job);
        let oldest = self.ready.iter().chain(leased).map(|job| job.queued).min();
        oldest.map(|queued| now.saturating_duration_since(queued)).unwrap_or_default()
    }

    fn expire(&mut self, now: Instant) {
        let expired: Vec<u64> = self.leased.iter().filter(|(_, (_, until))| *until <= now).map(|(lease, _)| *lease).collect();
        for lease in expired.into_iter().rev() {
            self.reject(lease);
        }
    }

    fn put_back(&mut self, job: Job<T>) {
        if job.attempts >= self.max_attempts {
            self.abandoned += 1;
        } else {
            self.ready.push_front(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn queue() -> (Queue<&'static str>, Instant) {
        (Queue::new(LEASE, 2, 2), Instant::now())
    }

    #[test]
    fn jobs_leave_in_order_once_acknowledged() {
        let (mut queue, now) = queue();
        queue.push("a", now).expect("room");
        queue.push("b", now).expect("room");
        assert_eq!(queue.push("c", now), Err(Full));
        let (lease, job) = queue.lease(now).expect("a job");
        assert_eq!((job.content, queue.depth()), ("a", 2));
        assert!(queue.acknowledge(lease));
        assert!(!queue.acknowledge(lease));
        assert_eq!(queue.depth(), 1);
    }

    #[test]
    fn a_job_whose_worker_died_goes_to_the_next_and_is_given_up_in_the_end() {
        let (mut queue, now) = queue();
        queue.push("a", now).expect("room");
        queue.lease(now).expect("a job");
        assert_eq!(queue.lease(now), None);
        let (late, job) = queue.lease(now + LEASE).expect("the job again");
        assert_eq!(job.attempts, 2);
        assert_eq!(queue.oldest_age(now + LEASE), LEASE);
        assert!(queue.reject(late));
        assert_eq!((queue.depth(), queue.abandoned), (0, 1));
    }
}
