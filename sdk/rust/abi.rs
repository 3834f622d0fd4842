//! The Trellis plugin ABI 1.0 in Rust: `trellis/abi.h`, name for name. Copy this file into your project. Needs no crate
//! and builds with rustc 1.63 or newer. What each item means is written in abi.h.
#![allow(dead_code, non_camel_case_types)]

use std::os::raw::{c_char, c_void};

pub const ABI_MAJOR: u16 = 1;
pub const ABI_MINOR: u16 = 0;

pub const OK: i32 = 0;
pub const NO_ACTION: i32 = 1;
pub const UNCHANGED: i32 = 2;
pub const INVALID: i32 = -1;
pub const DECODE: i32 = -2;
pub const NOT_FOUND: i32 = -3;
pub const EXISTS: i32 = -4;
pub const UNSUPPORTED: i32 = -5;
pub const DENIED: i32 = -6;
pub const CANCELLED: i32 = -7;
pub const TIMEOUT: i32 = -8;
pub const UNAVAILABLE: i32 = -9;
pub const EXHAUSTED: i32 = -10;
pub const CONFLICT: i32 = -11;
pub const IO: i32 = -12;
pub const FAULT: i32 = -13;
pub const BUSY: i32 = -16;

pub const OBSERVED_UNKNOWN: i32 = 0;
pub const OBSERVED_RUNNING: i32 = 1;
pub const OBSERVED_PAUSED: i32 = 2;
pub const OBSERVED_ABSENT: i32 = 3;
pub const OBSERVED_DRIFTED: i32 = 4;
pub const OBSERVED_FAILED: i32 = 5;

pub const THREADING_SERIAL: u16 = 0;
pub const THREADING_PARALLEL: u16 = 1;
pub const TYPE_SHARABLE: u32 = 1;
pub const WORKLOAD_PAUSED: u32 = 1;

/// Borrowed bytes, valid until the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const c_char,
    pub size: usize,
}

impl Bytes {
    pub fn of(text: &str) -> Bytes {
        Bytes { data: text.as_ptr().cast(), size: text.len() }
    }
    /// # Safety
    /// As for everything here: the host keeps the bytes alive until the call returns.
    pub unsafe fn slice<'a>(self) -> &'a [u8] {
        if self.size == 0 { &[] } else { std::slice::from_raw_parts(self.data.cast(), self.size) }
    }
    /// # Safety
    /// See `slice`.
    pub unsafe fn text<'a>(self) -> Result<&'a str, Failure> {
        std::str::from_utf8(self.slice()).map_err(|_| Failure::new(DECODE, "not valid UTF-8"))
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sink {
    pub ctx: *mut c_void,
    pub write: unsafe extern "C" fn(*mut c_void, Bytes) -> i32,
}

impl Sink {
    /// Stop and return the status when it is negative.
    pub fn write(self, text: &str) -> Result<(), Failure> {
        let status = unsafe { (self.write)(self.ctx, Bytes::of(text)) };
        if status < 0 { Err(Failure { status, text: String::new() }) } else { Ok(()) }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Fds {
    pub data: *const i32,
    pub size: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FdSink {
    pub ctx: *mut c_void,
    pub put: unsafe extern "C" fn(*mut c_void, i32) -> i32,
}

#[repr(C)]
pub struct Capacity {
    pub size: u32,
    pub reserved: u32,
    pub cru: u64,
    pub sru: u64,
    pub hru: u64,
    pub mru: u64,
    pub ipv4u: u64,
}

#[repr(C)]
pub struct Call {
    pub size: u32,
    pub flags: u32,
    pub id: u64,
    pub deadline_ns: i64,
    pub contract_id: u64,
    pub twin_id: u32,
    pub attempt: u32,
    pub host_data: *mut c_void,
}

#[repr(C)]
pub struct Workload {
    pub size: u32,
    pub version: u32,
    pub flags: u32,
    pub handle_schema: u32,
    pub id: Bytes,
    pub name: Bytes,
    pub kind: Bytes,
    pub data: Bytes,
    pub metadata: Bytes,
    pub description: Bytes,
    pub result: Bytes,
    pub previous: Bytes,
    pub handle: Bytes,
}

#[repr(C)]
pub struct Out {
    pub size: u32,
    pub handle_schema: u32,
    pub result: Sink,
    pub handle: Sink,
    pub err: Sink,
}

#[repr(C)]
pub struct Seen {
    pub size: u32,
    pub state: i32,
}

pub type Effect = unsafe extern "C" fn(*mut c_void, *const Call, *const Workload, *mut Out) -> i32;
pub type Step = unsafe extern "C" fn(*mut c_void, *const Call, *const Workload, Sink) -> i32;

#[repr(C)]
pub struct TypeOps {
    pub size: u32,
    pub reserved: u32,
    pub valid: unsafe extern "C" fn(*mut c_void, *const Call, Bytes, Sink) -> i32,
    pub challenge: unsafe extern "C" fn(*mut c_void, Bytes, Sink, Sink) -> i32,
    pub capacity: unsafe extern "C" fn(*mut c_void, Bytes, *mut Capacity, Sink) -> i32,
    pub provision: Effect,
    pub deprovision: Step,
    pub inspect: unsafe extern "C" fn(*mut c_void, *const Call, *const Workload, *mut Seen, Sink, Sink) -> i32,
    pub list_owned: unsafe extern "C" fn(*mut c_void, *const Call, Sink, Sink) -> i32,
    pub update: Option<Effect>,
    pub pause: Option<Step>,
    pub resume: Option<Step>,
    pub precheck: Option<unsafe extern "C" fn(*mut c_void, *const Call, i32, *const Workload, Sink) -> i32>,
    pub dependencies: Option<unsafe extern "C" fn(*mut c_void, Bytes, Sink, Sink) -> i32>,
    pub recovered: Option<unsafe extern "C" fn(*mut c_void, *const Call, *const Bytes, usize, Sink) -> i32>,
    pub weight: Option<unsafe extern "C" fn(*mut c_void, Bytes) -> i64>,
}

#[repr(C)]
pub struct TypeDesc {
    pub size: u32,
    pub flags: u32,
    pub rank: u32,
    pub max_parallel: u32,
    pub name: Bytes,
    pub after: *const Bytes,
    pub after_count: usize,
    pub ops: *const TypeOps,
    pub self_: *mut c_void,
}

pub type ServiceFn =
    unsafe extern "C" fn(*mut c_void, *const Call, Bytes, Bytes, Fds, Sink, FdSink, Sink) -> i32;

#[repr(C)]
pub struct Host {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub ctx: *mut c_void,
    pub log: unsafe extern "C" fn(*mut c_void, i32, Bytes, Bytes),
    pub log_level: unsafe extern "C" fn(*mut c_void) -> i32,
    pub register_type: unsafe extern "C" fn(*mut c_void, *const TypeDesc, Sink) -> i32,
    pub register_service: unsafe extern "C" fn(*mut c_void, Bytes, ServiceFn, *mut c_void, Sink) -> i32,
    pub call_service:
        unsafe extern "C" fn(*mut c_void, *const Call, Bytes, Bytes, Bytes, Fds, Sink, FdSink, Sink) -> i32,
    pub cancelled: unsafe extern "C" fn(*mut c_void, *const Call) -> i32,
    pub cancel_fd: unsafe extern "C" fn(*mut c_void, *const Call) -> i32,
    pub progress: unsafe extern "C" fn(*mut c_void, *const Call, u32, Bytes),
    pub extension: unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void,
}

#[repr(C)]
pub struct Open {
    pub size: u32,
    pub flags: u32,
    pub config: Bytes,
    pub state_dir: Bytes,
    pub run_dir: Bytes,
    pub node: Bytes,
}

pub type Life = unsafe extern "C" fn(*mut c_void, *const Call, Sink) -> i32;

#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor_built: u16,
    pub abi_minor_required: u16,
    pub threading: u16,
    pub flags: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub manifest: *const c_char,
    pub create: unsafe extern "C" fn(*const Host, *const Open, *mut *mut c_void, Sink) -> i32,
    pub start: Life,
    pub stop: Life,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub reconfigure: Option<unsafe extern "C" fn(*mut c_void, *const Call, Bytes, Sink) -> i32>,
    pub migrate_config: Option<unsafe extern "C" fn(u32, Bytes, Sink, Sink) -> i32>,
    pub migrate_state: Option<unsafe extern "C" fn(u32, Bytes, Sink) -> i32>,
    pub health: Option<unsafe extern "C" fn(*mut c_void, *const Call, Sink, Sink) -> i32>,
}

// The descriptor and the tables in it are constant.
unsafe impl Sync for Plugin {}

/// A table of `Host::extension`; test for `None`. `Store` is the first of them, the others are in abi.h.
#[repr(C)]
pub struct Store {
    pub size: u32,
    pub reserved: u32,
    pub get: unsafe extern "C" fn(*mut c_void, Bytes, Sink, Sink) -> i32,
    pub put: unsafe extern "C" fn(*mut c_void, Bytes, Bytes, Sink) -> i32,
    pub remove: unsafe extern "C" fn(*mut c_void, Bytes, Sink) -> i32,
    pub list: unsafe extern "C" fn(*mut c_void, Bytes, Sink, Sink) -> i32,
}

// The layout is frozen: a wrong line above does not compile.
const _: () = {
    assert!(std::mem::size_of::<Capacity>() == 48);
    assert!(std::mem::size_of::<Call>() == 48);
    assert!(std::mem::size_of::<Workload>() == 160);
    assert!(std::mem::size_of::<Out>() == 56);
    assert!(std::mem::size_of::<Seen>() == 8);
    assert!(std::mem::size_of::<TypeOps>() == 120);
    assert!(std::mem::size_of::<TypeDesc>() == 64);
    assert!(std::mem::size_of::<Host>() == 88);
    assert!(std::mem::size_of::<Open>() == 72);
    assert!(std::mem::size_of::<Plugin>() == 104);
    assert!(std::mem::size_of::<Store>() == 40);
};

/// Why an operation failed: a status and one sentence.
#[derive(Debug)]
pub struct Failure {
    pub status: i32,
    pub text: String,
}

impl Failure {
    pub fn new(status: i32, text: impl Into<String>) -> Failure {
        Failure { status, text: text.into() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(IO, error.to_string())
    }
}

/// The wall around every entry: an error becomes its status and text, a panic becomes FAULT.
pub fn guard(err: Sink, body: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => {
            let _ = err.write(&failure.text);
            failure.status
        }
        Err(_) => {
            let _ = err.write("the plugin panicked");
            FAULT
        }
    }
}
