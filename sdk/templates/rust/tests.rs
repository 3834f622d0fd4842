//! Drives the type's operations with sinks that collect.
use super::*;

unsafe extern "C" fn collect(ctx: *mut c_void, chunk: Bytes) -> i32 {
    (*(ctx as *mut String)).push_str(chunk.text().unwrap());
    abi::OK
}

fn sink(text: &mut String) -> Sink {
    Sink { ctx: text as *mut String as *mut c_void, write: collect }
}

/// A state directory of this test alone, removed at its end.
struct Lab(Box<State>);

impl Lab {
    fn new(name: &str) -> Lab {
        let dir = std::env::temp_dir().join(format!("@NAME@-{}-{}", std::process::id(), name));
        fs::create_dir_all(&dir).unwrap();
        Lab(Box::new(State { dir, max_bytes: 16 }))
    }
    fn this(&mut self) -> *mut c_void {
        &mut *self.0 as *mut State as *mut c_void
    }
    /// Status, result and error text of provision.
    fn provision(&mut self, data: &str) -> (i32, String, String) {
        let (mut result, mut handle, mut err) = (String::new(), String::new(), String::new());
        let mut out =
            Out { size: 56, handle_schema: 0, result: sink(&mut result), handle: sink(&mut handle), err: sink(&mut err) };
        let status = unsafe { provision(self.this(), std::ptr::null(), &workload(data), &mut out) };
        (status, result, err)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.dir);
    }
}

fn workload(data: &str) -> Workload {
    let none = Bytes { data: std::ptr::null(), size: 0 };
    Workload {
        size: 160, version: 0, flags: 0, handle_schema: 0, id: Bytes::of("7-9-hello"), name: Bytes::of("hello"),
        kind: Bytes::of("@NAME@"), data: Bytes::of(data), metadata: none, description: none, result: none,
        previous: none, handle: none,
    }
}

fn is_valid(data: &str) -> (i32, String) {
    let mut err = String::new();
    let status = unsafe { valid(std::ptr::null_mut(), std::ptr::null(), Bytes::of(data), sink(&mut err)) };
    (status, err)
}

#[test]
fn refuses_an_empty_text_and_other_types() {
    assert_eq!(is_valid(r#"{"text":"hello"}"#).0, abi::OK);
    assert_eq!(is_valid(r#"{"text":""}"#), (abi::INVALID, "[text] the text is empty".to_string()));
    for bad in ["", "null", "[]", r#"{"text":5}"#, r#"{"text":"a""#] {
        assert_eq!(is_valid(bad).0, abi::DECODE, "{}", bad);
    }
}

#[test]
fn is_signed_by_its_text() {
    let (mut out, mut err) = (String::new(), String::new());
    let data = Bytes::of(r#"{"text":"a\u00e9\"b"}"#);
    assert_eq!(unsafe { challenge(std::ptr::null_mut(), data, sink(&mut out), sink(&mut err)) }, abi::OK);
    assert_eq!(out, "aé\"b");
}

#[test]
fn comes_up_and_can_be_provisioned_again() {
    let mut lab = Lab::new("again");
    assert_eq!(lab.provision(r#"{"text":"hello"}"#), (abi::OK, r#"{"bytes":5}"#.to_string(), String::new()));
    assert_eq!(lab.provision(r#"{"text":"hello"}"#).0, abi::NO_ACTION);
    let (mut out, mut err) = (String::new(), String::new());
    unsafe { list_owned(lab.this(), std::ptr::null(), sink(&mut out), sink(&mut err)) };
    assert_eq!(out, r#"["7-9-hello"]"#);
}

#[test]
fn takes_no_more_than_the_configuration_allows() {
    let mut lab = Lab::new("limit");
    let (status, _, err) = lab.provision(r#"{"text":"seventeen letters"}"#);
    assert_eq!((status, err.as_str()), (abi::EXHAUSTED, "the text has 17 bytes, this node takes 16"));
}

#[test]
fn is_gone_after_deprovision() {
    let mut lab = Lab::new("gone");
    lab.provision(r#"{"text":"hello"}"#);
    let (mut err, mut detail) = (String::new(), String::new());
    for _ in 0..2 {
        let status = unsafe { deprovision(lab.this(), std::ptr::null(), &workload("{}"), sink(&mut err)) };
        assert_eq!(status, abi::OK, "{}", err);
    }
    let mut seen = Seen { size: 8, state: 0 };
    let status = unsafe {
        inspect(lab.this(), std::ptr::null(), &workload("{}"), &mut seen, sink(&mut detail), sink(&mut err))
    };
    assert_eq!((status, seen.state), (abi::OK, abi::OBSERVED_ABSENT));
}
