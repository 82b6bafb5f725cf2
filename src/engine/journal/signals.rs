//! The last note of a process that a fatal signal ends: which thread it was.
//!
//! A handler for the signals of a crash notes the signal in the slot of the thread, and hands on to the handler before it:
//! Node.js, whose own handler turns some of them into exceptions of WebAssembly, or the system, which ends the process and
//! writes a core. What other processes send says nothing about a thread.

/// The signals that end a process that went wrong.
pub const NAMES: [(i32, &str); 5] = [
    (imp::SIGNALS[0], "SIGSEGV"),
    (imp::SIGNALS[1], "SIGBUS"),
    (imp::SIGNALS[2], "SIGFPE"),
    (imp::SIGNALS[3], "SIGILL"),
    (imp::SIGNALS[4], "SIGABRT"),
];

pub use imp::{AlternateStack, install, this_thread};

#[cfg(unix)]
#[allow(unsafe_code)]
mod imp {
    use crate::engine::journal::slots::{Mark, Slots};
    use libc::{c_int, c_void, siginfo_t};
    use std::mem::MaybeUninit;
    use std::ptr::{null, null_mut};
    use std::sync::OnceLock;

    pub const SIGNALS: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

    struct Handler {
        slots: &'static Slots,
        /// What was done before, in the order of `SIGNALS`.
        previous: [libc::sigaction; SIGNALS.len()],
    }

    static HANDLER: OnceLock<Handler> = OnceLock::new();

    /// Notes fatal signals from now on.
    pub fn install(slots: &'static Slots) {
        pin_library();
        let previous = SIGNALS.map(disposition);
        if HANDLER.set(Handler { slots, previous }).is_err() {
            return;
        }
        for signal in SIGNALS {
            // SAFETY: a zeroed `sigaction` is a valid one, and the handler does only what is safe in a handler.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fatal as *const () as libc::sighandler_t;
                // On the alternate stack: where the ordinary one is used up, nothing else can run.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigemptyset(&raw mut action.sa_mask);
                libc::sigaction(signal, &raw const action, null_mut());
            }
        }
    }

    /// The handler must stay where it is when the last thread of Node.js that loaded the addon ends.
    fn pin_library() {
        // SAFETY: `dladdr` fills the structure or fails; the name is one that the loader knows, and the handle is never closed.
        unsafe {
            let mut info: libc::Dl_info = std::mem::zeroed();
            if libc::dladdr(on_fatal as *const c_void, &raw mut info) != 0 {
                libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NODELETE);
            }
        }
    }

    fn disposition(signal: c_int) -> libc::sigaction {
        // SAFETY: nothing is changed; where the call fails the zeroed value says that nobody handles the signal.
        unsafe {
            let mut found: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, null(), &raw mut found);
            found
        }
    }

    /// Names the calling thread; safe in a signal handler.
    pub fn this_thread() -> u64 {
        // SAFETY: it has no preconditions.
        unsafe { libc::pthread_self() as u64 }
    }

    extern "C" fn on_fatal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let Some(handler) = HANDLER.get() else { return };
        let mark = note(handler.slots, signal, info);
        let at = SIGNALS.iter().position(|&known| known == signal).unwrap_or_default();
        // SAFETY: these are what the kernel gave to this handler.
        let goes_on = unsafe { hand_on(&handler.previous[at], signal, info, context) };
        if let Some(mark) = mark.filter(|_| goes_on) {
            mark.clear();
        }
    }

    /// The mark that was set, unless there was one.
    fn note(slots: &'static Slots, signal: c_int, info: *mut siginfo_t) -> Option<&'static Mark> {
        let process = std::process::id();
        if !slots.is_open(process) {
            return None;
        }
        // SAFETY: the kernel passes a valid structure, which has a sender where it was sent.
        let sent_by_others = unsafe { is_sent(info) && (*info).si_pid() as u32 != process };
        let mark = slots.mark_of((!sent_by_others).then(this_thread));
        let signal = u32::try_from(signal).unwrap_or(u32::MAX);
        mark.set(signal, now_ms()).then_some(mark)
    }

    /// Whether a process sent the signal, and not the processor.
    unsafe fn is_sent(info: *const siginfo_t) -> bool {
        // SAFETY: as the caller says.
        let code = unsafe { (*info).si_code };
        if cfg!(target_vendor = "apple") { code == 0 || code & 0x1_0000 != 0 } else { code <= 0 }
    }

    /// Does what would have been done without us. True when the process goes on.
    unsafe fn hand_on(previous: &libc::sigaction, signal: c_int, info: *mut siginfo_t, context: *mut c_void) -> bool {
        // SAFETY: as the caller says.
        let is_sent = unsafe { is_sent(info) };
        if previous.sa_sigaction == libc::SIG_IGN && is_sent {
            return true;
        }
        if previous.sa_sigaction == libc::SIG_DFL || previous.sa_sigaction == libc::SIG_IGN {
            // SAFETY: a zeroed action is the default one; both calls are safe in a handler.
            unsafe {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, &raw const default, null_mut());
                // A fault comes again when this returns, with all that a core should have; what was sent does not.
                if is_sent {
                    libc::raise(signal);
                }
            }
            return false;
        }
        // SAFETY: it was installed as a handler of this kind.
        unsafe {
            if previous.sa_flags & libc::SA_SIGINFO == 0 {
                let handler: extern "C" fn(c_int) = std::mem::transmute(previous.sa_sigaction);
                handler(signal);
            } else {
                let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                    std::mem::transmute(previous.sa_sigaction);
                handler(signal, info, context);
            }
        }
        // One that could not help has given the signal back to the system, and the process ends when this returns.
        disposition(signal).sa_sigaction == on_fatal as *const () as libc::sighandler_t
    }

    /// Unix milliseconds; safe in a signal handler.
    fn now_ms() -> u64 {
        let mut time = MaybeUninit::<libc::timespec>::zeroed();
        // SAFETY: the structure is written, or stays zero.
        let time = unsafe {
            libc::clock_gettime(libc::CLOCK_REALTIME, time.as_mut_ptr());
            time.assume_init()
        };
        time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
    }

    /// A stack for the handler on this thread, where it has none: without it a stack that overflows ends the process unnoted.
    pub struct AlternateStack(*mut c_void);

    /// Room for the handler and those behind it, with the registers of any processor.
    const STACK_BYTES: usize = 64 << 10;

    impl AlternateStack {
        /// `None` when the thread has one already, or there is no memory.
        pub fn install() -> Option<Self> {
            // SAFETY: the structures are valid, the memory is ours, and stays until `drop`, on the same thread.
            unsafe {
                let mut present: libc::stack_t = std::mem::zeroed();
                if libc::sigaltstack(null(), &raw mut present) != 0 || present.ss_flags & libc::SS_DISABLE == 0 {
                    return None;
                }
                let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
                let memory = libc::mmap(null_mut(), STACK_BYTES, access, kind, -1, 0);
                if memory == libc::MAP_FAILED {
                    return None;
                }
                let stack = libc::stack_t { ss_sp: memory, ss_flags: 0, ss_size: STACK_BYTES };
                libc::sigaltstack(&raw const stack, null_mut());
                Some(Self(memory))
            }
        }
    }

    impl Drop for AlternateStack {
        fn drop(&mut self) {
            // SAFETY: see `install`. A stack that other code has set meanwhile stays.
            unsafe {
                let mut present: libc::stack_t = std::mem::zeroed();
                if libc::sigaltstack(null(), &raw mut present) == 0 && present.ss_sp == self.0 {
                    let none = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: STACK_BYTES };
                    libc::sigaltstack(&raw const none, null_mut());
                }
                libc::munmap(self.0, STACK_BYTES);
            }
        }
    }
}

/// Elsewhere no signal tells a crash from an end by force, and no model is blamed.
#[cfg(not(unix))]
mod imp {
    use crate::engine::journal::slots::Slots;
    use std::sync::atomic::{AtomicU64, Ordering};

    pub const SIGNALS: [i32; 5] = [11, 7, 8, 4, 6];

    pub fn install(_slots: &'static Slots) {}

    /// Asked once for each thread.
    pub fn this_thread() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    pub struct AlternateStack;

    impl AlternateStack {
        pub fn install() -> Option<Self> {
            None
        }
    }
}
