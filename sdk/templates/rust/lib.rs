//! The plugin @NAME@: one workload type, `@NAME@`, that keeps a text in a file below the plugin's state directory. Its
//! data is the JSON object {"text": "…"}. Replace the text by what your workload is about; the shape stays. Every
//! operation may be called again after any partial run.

mod abi;
mod fields;

use abi::{guard, Bytes, Call, Capacity, Failure, Host, Open, Out, Plugin, Seen, Sink, TypeDesc, TypeOps, Workload};
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::raw::c_void;
use std::path::PathBuf;

/// What the plugin says about itself before any of its code runs. `config.schema` is a JSON Schema: the host checks the
/// operator's configuration with it and fills in the defaults.
const MANIFEST: &str = concat!(
    r#"{"manifest": 1, "name": "@NAME@", "version": "0.1.0", "summary": "keeps a text",
        "services": {"provides": [], "requires": [], "wants": []}, "permissions": [],
        "config": {"version": 1, "schema": {"type": "object", "additionalProperties": false, "properties":
          {"max_bytes": {"type": "integer", "minimum": 1, "maximum": 1048576, "default": 1024}}}}}"#,
    "\0"
);

struct State {
    dir: PathBuf,
    max_bytes: u64,
}

impl State {
    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{}.text", id))
    }
    fn read(&self, id: &str) -> Result<Option<String>, Failure> {
        match fs::read_to_string(self.path(id)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
    /// Through a second name, so that a crash leaves the whole old or the whole new text.
    fn write(&self, id: &str, text: &str) -> Result<(), Failure> {
        let draft = self.dir.join(format!("{}.draft", id));
        let mut file = fs::File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(fs::rename(draft, self.path(id))?)
    }
}

unsafe fn state<'a>(this: *mut c_void) -> &'a State {
    &*(this as *const State)
}

// ---- the data: pure and quick, called from any thread at any time ----

unsafe fn decode(data: Bytes) -> Result<String, Failure> {
    fields::text(data.text()?, "text")
}

unsafe extern "C" fn valid(_: *mut c_void, _: *const Call, data: Bytes, err: Sink) -> i32 {
    guard(err, || {
        if decode(data)?.is_empty() {
            return Err(Failure::new(abi::INVALID, "[text] the text is empty"));
        }
        Ok(abi::OK)
    })
}

/// What the user signs: every member that matters, in an order that never changes.
unsafe extern "C" fn challenge(_: *mut c_void, data: Bytes, out: Sink, err: Sink) -> i32 {
    guard(err, || out.write(&decode(data)?).map(|_| abi::OK))
}

/// The host has zeroed the capacity, and a text costs nothing.
unsafe extern "C" fn capacity(_: *mut c_void, data: Bytes, _: *mut Capacity, err: Sink) -> i32 {
    guard(err, || decode(data).map(|_| abi::OK))
}

// ---- the effects ----

unsafe extern "C" fn provision(this: *mut c_void, _: *const Call, w: *const Workload, out: *mut Out) -> i32 {
    let (w, out) = (&*w, &*out);
    guard(out.err, || {
        let (me, id, text) = (state(this), w.id.text()?, decode(w.data)?);
        if text.len() as u64 > me.max_bytes {
            let sentence = format!("the text has {} bytes, this node takes {}", text.len(), me.max_bytes);
            return Err(Failure::new(abi::EXHAUSTED, sentence));
        }
        out.result.write(&format!("{{\"bytes\":{}}}", text.len()))?;
        if me.read(id)?.as_deref() == Some(text.as_str()) {
            return Ok(abi::NO_ACTION);
        }
        me.write(id, &text).map(|_| abi::OK)
    })
}

unsafe extern "C" fn deprovision(this: *mut c_void, _: *const Call, w: *const Workload, err: Sink) -> i32 {
    guard(err, || {
        let id = (*w).id.text()?;
        for suffix in ["text", "draft"] {
            match fs::remove_file(state(this).dir.join(format!("{}.{}", id, suffix))) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => (),
            }
        }
        Ok(abi::OK)
    })
}

unsafe extern "C" fn inspect(
    this: *mut c_void, _: *const Call, w: *const Workload, seen: *mut Seen, detail: Sink, err: Sink,
) -> i32 {
    let w = &*w;
    guard(err, || {
        let kept = state(this).read(w.id.text()?)?;
        let wanted = decode(if w.previous.size != 0 { w.previous } else { w.data }).ok();
        (*seen).state = match kept {
            None => abi::OBSERVED_ABSENT,
            Some(text) if wanted.map_or(true, |wanted| wanted == text) => abi::OBSERVED_RUNNING,
            Some(_) => {
                detail.write("the text is another one")?;
                abi::OBSERVED_DRIFTED
            }
        };
        Ok(abi::OK)
    })
}

/// Every workload that something is kept for: from the disk, not from memory.
unsafe extern "C" fn list_owned(this: *mut c_void, _: *const Call, out: Sink, err: Sink) -> i32 {
    guard(err, || {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&state(this).dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(id) = name.strip_suffix(".text") {
                ids.push(format!("\"{}\"", id));
            }
        }
        out.write(&format!("[{}]", ids.join(","))).map(|_| abi::OK)
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

/// Registers and has no effects.
unsafe extern "C" fn create(host: *const Host, open: *const Open, this: *mut *mut c_void, err: Sink) -> i32 {
    let (host, open) = (&*host, &*open);
    guard(err, || {
        let config = if open.config.size == 0 { "{}" } else { open.config.text()? };
        let max_bytes = fields::number(config, "max_bytes", 1024)?;
        let made = Box::into_raw(Box::new(State { dir: open.state_dir.text()?.into(), max_bytes })) as *mut c_void;
        let desc = TypeDesc {
            size: std::mem::size_of::<TypeDesc>() as u32,
            flags: 0,
            rank: 0,
            max_parallel: 0,
            name: Bytes::of("@NAME@"),
            after: std::ptr::null(),
            after_count: 0,
            ops: &OPS,
            self_: made,
        };
        let status = (host.register_type)(host.ctx, &desc, err);
        if status < 0 {
            destroy(made);
            return Ok(status); // the host has written the text
        }
        *this = made;
        Ok(abi::OK)
    })
}

unsafe extern "C" fn nothing(_: *mut c_void, _: *const Call, _: Sink) -> i32 {
    abi::OK
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut State));
}

static PLUGIN: Plugin = Plugin {
    size: std::mem::size_of::<Plugin>() as u32,
    abi_major: abi::ABI_MAJOR,
    abi_minor_built: abi::ABI_MINOR,
    abi_minor_required: 0,
    threading: abi::THREADING_SERIAL,
    flags: 0,
    name: "@NAME@\0".as_ptr().cast(),
    version: "0.1.0\0".as_ptr().cast(),
    manifest: MANIFEST.as_ptr().cast(),
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

#[cfg(test)]
mod tests;
