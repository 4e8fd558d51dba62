//! Which signals a thread receives, and the one that ends what the main thread waits for.

use std::mem::MaybeUninit;

/// Errors of a thread's own code, which must reach it to be reported.
const FAULTS: [libc::c_int; 7] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
];

/// Do something with all signals blocked. A thread started meanwhile never receives any: they are the program's.
pub(crate) fn blocked<T>(action: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: `all` is filled before it is read, `before` by the call that it is handed to; neither is kept.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for signal in FAULTS {
            libc::sigdelset(all.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let result = action();
    // SAFETY: `before` was filled above; this is still the same thread.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    result
}

/// Have this signal end the call of the system that its thread waits in, and do nothing else; or do nothing at all, which
/// must be what it does without a handler. False if it has a handler of somebody else.
pub(crate) fn interrupts(signal: libc::c_int, is_on: bool) -> bool {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: a disposition may be all zeros; it is filled before it is read, and the handler does nothing.
    unsafe {
        let mut disposition: libc::sigaction = std::mem::zeroed();
        let known = libc::sigaction(signal, std::ptr::null(), &raw mut disposition) == 0;
        let ours = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        if is_on && !(known && [libc::SIG_DFL, ours].contains(&disposition.sa_sigaction)) {
            return false;
        }
        disposition = std::mem::zeroed();
        disposition.sa_sigaction = if is_on { ours } else { libc::SIG_DFL };
        libc::sigaction(signal, &raw const disposition, std::ptr::null_mut()) == 0
    }
}
