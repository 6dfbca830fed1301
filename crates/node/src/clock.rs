//! The machine's wall clock.
//!
//! Owns the only reads of the wall clock in this crate. Invariant: a task that waits for a
//! wall-clock time is woken when that time comes, even if the clock is set or the machine was
//! suspended.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use svid_client::clock::Clock;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The machine's wall clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    steps: watch::Receiver<u64>,
}

/// Learns from the kernel when the wall clock is set or the machine wakes.
#[derive(Debug)]
pub struct ClockSteps {
    timer: AsyncFd<OwnedFd>,
    steps: watch::Sender<u64>,
}

impl SystemClock {
    /// The clock, and what must [run](ClockSteps::run) for sleepers to notice steps.
    ///
    /// # Errors
    /// If the kernel provides no timer, or there is no tokio reactor.
    pub fn new() -> io::Result<(Self, ClockSteps)> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let (sender, steps) = watch::channel(0);
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types whose descriptor may change; an OwnedFd's cannot"
        )]
        let timer = ClockSteps {
            timer: AsyncFd::new(timer)?,
            steps: sender,
        };
        timer.arm()?;
        Ok((Self { steps }, timer))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut steps = self.steps.clone();
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(self.now().duration_until(due))
                && !left.is_zero()
            {
                // If ClockSteps is not running, the hour bounds how late a sleeper can be.
                tokio::select! {
                    () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
                    Ok(()) = steps.changed() => {}
                }
            }
        })
    }
}

impl ClockSteps {
    /// Wakes every sleeper after each step of the clock, until `shutdown`.
    ///
    /// # Errors
    /// If the kernel's timer fails.
    pub async fn run(self, shutdown: CancellationToken) -> io::Result<()> {
        let follow = async {
            loop {
                let mut ready = self.timer.readable().await?;
                let mut expirations = [0_u8; 8];
                let read = rustix::io::read(self.timer.get_ref(), &mut expirations);
                match read {
                    // The timer reached its distant end, or the clock was set:
                    // TFD_TIMER_CANCEL_ON_SET.
                    Ok(_) | Err(rustix::io::Errno::CANCELED) => {
                        self.arm()?;
                        self.steps
                            .send_modify(|steps| *steps = steps.wrapping_add(1));
                    }
                    Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
                ready.clear_ready();
            }
        };
        shutdown.run_until_cancelled(follow).await.unwrap_or(Ok(()))
    }

    fn arm(&self) -> io::Result<()> {
        let far = Timestamp::now().as_second().saturating_add(FAR_SECONDS);
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        timerfd_settime(
            self.timer.get_ref(),
            TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
            &Itimerspec {
                it_interval: zero,
                it_value: Timespec {
                    tv_sec: far,
                    tv_nsec: 0,
                },
            },
        )?;
        Ok(())
    }
}

const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// Seconds, about ten years: the timer exists for its cancellation, not its end.
const FAR_SECONDS: i64 = 315_360_000;
