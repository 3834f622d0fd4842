//! The smallest useful plugin in Rust: the type `rust-note` keeps a text in the plugin's durable store, which the host
//! offers as extension `trellis.store/1`.
#[path = "../../rust/abi.rs"]
mod abi;
#[path = "../../rust/fields.rs"]
mod fields;

use abi::{guard, Bytes, Call, Capacity, Failure, Host, Open, Out, Plugin, Seen, Sink, Store, TypeDesc, TypeOps, Workload};
use std::os::raw::c_void;

struct Notes {
    host: *const Host,
}

// ---- the host's store ----

unsafe extern "C" fn collect(text: *mut c_void, chunk: Bytes) -> i32 {
    (*(text as *mut Vec<u8>)).extend_from_slice(chunk.slice());
    abi::OK
}

fn sink(text: &mut Vec<u8>) -> Sink {
    Sink { ctx: text as *mut Vec<u8> as *mut c_void, write: collect }
}

impl Notes {
    unsafe fn of<'a>(this: *mut c_void) -> &'a Notes {
        &*(this as *const Notes)
    }
    /// Runs one function of the store: what it wrote, or None when there is no such key.
    fn ask(&self, run: impl FnOnce(&Store, *mut c_void, Sink, Sink) -> i32) -> Result<Option<String>, Failure> {
        let (host, mut out, mut err) = unsafe { (&*self.host, Vec::new(), Vec::new()) };
        let table = unsafe { (host.extension)(host.ctx, "trellis.store/1\0".as_ptr().cast()) } as *const Store;
        if table.is_null() {
            return Err(Failure::new(abi::UNAVAILABLE, "the host has no store"));
        }
        match run(unsafe { &*table }, host.ctx, sink(&mut out), sink(&mut err)) {
            abi::NOT_FOUND => Ok(None),
            status if status < 0 => Err(Failure::new(status, String::from_utf8_lossy(&err))),
            _ => Ok(Some(String::from_utf8_lossy(&out).into_owned())),
        }
    }
    fn get(&self, id: Bytes) -> Result<Option<String>, Failure> {
        self.ask(|store, ctx, out, err| unsafe { (store.get)(ctx, id, out, err) })
    }
}

// ---- the type ----

unsafe fn decode(data: Bytes) -> Result<String, Failure> {
    fields::text(data.text()?, "text")
}

unsafe extern "C" fn valid(_: *mut c_void, _: *const Call, data: Bytes, err: Sink) -> i32 {
    guard(err, || match decode(data)?.len() {
        0 => Err(Failure::new(abi::INVALID, "[text] the note is empty")),
        _ => Ok(abi::OK),
    })
}

unsafe extern "C" fn challenge(_: *mut c_void, data: Bytes, out: Sink, err: Sink) -> i32 {
    guard(err, || out.write(&decode(data)?).map(|_| abi::OK))
}

unsafe extern "C" fn capacity(_: *mut c_void, data: Bytes, _: *mut Capacity, err: Sink) -> i32 {
    guard(err, || decode(data).map(|_| abi::OK))
}

unsafe extern "C" fn provision(this: *mut c_void, _: *const Call, w: *const Workload, out: *mut Out) -> i32 {
    let (w, out) = (&*w, &*out);
    guard(out.err, || {
        let (me, text) = (Notes::of(this), decode(w.data)?);
        out.result.write(&format!("{{\"bytes\":{}}}", text.len()))?;
        if me.get(w.id)?.as_ref() == Some(&text) {
            return Ok(abi::NO_ACTION);
        }
        me.ask(|store, ctx, _, err| (store.put)(ctx, w.id, Bytes::of(&text), err)).map(|_| abi::OK)
    })
}

unsafe extern "C" fn deprovision(this: *mut c_void, _: *const Call, w: *const Workload, err: Sink) -> i32 {
    guard(err, || Notes::of(this).ask(|store, ctx, _, err| (store.remove)(ctx, (*w).id, err)).map(|_| abi::OK))
}

unsafe extern "C" fn inspect(
    this: *mut c_void, _: *const Call, w: *const Workload, seen: *mut Seen, _: Sink, err: Sink,
) -> i32 {
    guard(err, || {
        let kept = Notes::of(this).get((*w).id)?;
        (*seen).state = if kept.is_some() { abi::OBSERVED_RUNNING } else { abi::OBSERVED_ABSENT };
        Ok(abi::OK)
    })
}

unsafe extern "C" fn list_owned(this: *mut c_void, _: *const Call, out: Sink, err: Sink) -> i32 {
    guard(err, || {
        let all = Bytes::of("");
        let ids = Notes::of(this).ask(|store, ctx, out, err| (store.list)(ctx, all, out, err))?;
        out.write(&ids.unwrap_or_default()).map(|_| abi::OK)
    })
}

static OPS: TypeOps = TypeOps {
    size: std::mem::size_of::<TypeOps>() as u32,
    reserved: 0,
    valid,
    challenge,
    capacity,
    provision,
    deprovision,
    inspect,
    list_owned,
    update: Some(provision),
    pause: None,
    resume: None,
    precheck: None,
    dependencies: None,
    recovered: None,
    weight: None,
};

// ---- the plugin ----

unsafe extern "C" fn create(host: *const Host, _: *const Open, this: *mut *mut c_void, err: Sink) -> i32 {
    guard(err, || {
        let made = Box::into_raw(Box::new(Notes { host })) as *mut c_void;
        let desc = TypeDesc {
            size: std::mem::size_of::<TypeDesc>() as u32,
            flags: 0,
            rank: 0,
            max_parallel: 0,
            name: Bytes::of("rust-note"),
            after: std::ptr::null(),
            after_count: 0,
            ops: &OPS,
            self_: made,
        };
        let status = ((*host).register_type)((*host).ctx, &desc, err);
        if status < 0 {
            destroy(made);
            return Ok(status);
        }
        *this = made;
        Ok(abi::OK)
    })
}

unsafe extern "C" fn nothing(_: *mut c_void, _: *const Call, _: Sink) -> i32 {
    abi::OK
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Notes));
}

static PLUGIN: Plugin = Plugin {
    size: std::mem::size_of::<Plugin>() as u32,
    abi_major: abi::ABI_MAJOR,
    abi_minor_built: abi::ABI_MINOR,
    abi_minor_required: 0,
    threading: abi::THREADING_SERIAL,
    flags: 0,
    name: "rust-minimal\0".as_ptr().cast(),
    version: "1.0.0\0".as_ptr().cast(),
    manifest: "{\"manifest\":1,\"name\":\"rust-minimal\",\"version\":\"1.0.0\"}\0".as_ptr().cast(),
    create,
    start: nothing,
    stop: nothing,
    destroy,
    reconfigure: None,
    migrate_config: None,
    migrate_state: None,
    health: None,
};

#[no_mangle]
pub extern "C" fn trellis_plugin_v1() -> *const Plugin {
    &PLUGIN
}
