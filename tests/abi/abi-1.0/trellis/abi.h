/* The Trellis plugin ABI, version 1.0: the frozen C boundary between host and plugin.
 *
 * 64-bit little-endian Linux only. Rules that hold everywhere:
 *  - Inputs are borrowed until the call returns; empty is {any, 0}. Nothing crosses ownership: outputs are
 *    written to sinks, during the call, from the calling thread, in any number of chunks.
 *  - Every struct starts with its size; members are only ever appended. Read a member of a peer's struct
 *    only through TRL_HAS.
 *  - No function throws. Every text is UTF-8 without NUL. Errors are one sentence: lower case, no final dot.
 *  - A status >= 0 is success, < 0 failure; `err` then holds the sentence.
 * How to write a plugin: docs/plugins/authors.md. */
#ifndef TRELLIS_ABI_H
#define TRELLIS_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TRL_NOEXCEPT noexcept
#define TRL_STATIC_ASSERT static_assert
extern "C" {
#else
#define TRL_NOEXCEPT
#define TRL_STATIC_ASSERT _Static_assert
#endif

#define TRL_ABI_MAJOR 1
#define TRL_ABI_MINOR 0
/* Is pointer member `f` of peer struct `p` there and set? */
#define TRL_HAS(p, f) ((p)->size >= offsetof(__typeof__(*(p)), f) + sizeof((p)->f) && (p)->f)
#define TRL_EXPORT __attribute__((visibility("default")))

typedef int32_t trl_status;
/* Success: OK; NO_ACTION already as wanted (the result is still written); UNCHANGED the request failed and the
 * workload runs on as before; PENDING is reserved and must not be returned in 1.0. */
enum { TRL_OK = 0, TRL_NO_ACTION = 1, TRL_UNCHANGED = 2, TRL_PENDING = 3,
       TRL_INVALID = -1, TRL_DECODE = -2, TRL_NOT_FOUND = -3, TRL_EXISTS = -4, TRL_UNSUPPORTED = -5,
       TRL_DENIED = -6, TRL_CANCELLED = -7, TRL_TIMEOUT = -8, TRL_UNAVAILABLE = -9, TRL_EXHAUSTED = -10,
       TRL_CONFLICT = -11, TRL_IO = -12,
       TRL_FAULT = -13,    /* an exception escaped plugin code, or the contract was broken */
       TRL_CRASHED = -14,  /* host only */
       TRL_ABI = -15,      /* size or version violation */
       TRL_BUSY = -16 };
enum { TRL_LOG_TRACE, TRL_LOG_DEBUG, TRL_LOG_INFO, TRL_LOG_WARN, TRL_LOG_ERROR };
enum { TRL_OBSERVED_UNKNOWN, TRL_OBSERVED_RUNNING, TRL_OBSERVED_PAUSED, TRL_OBSERVED_ABSENT,
       TRL_OBSERVED_DRIFTED, TRL_OBSERVED_FAILED };
/* SERIAL: one effect at a time in the whole plugin. PARALLEL: up to max_parallel per type. */
enum { TRL_THREADING_SERIAL, TRL_THREADING_PARALLEL };
enum { TRL_AUTH_ANY, TRL_AUTH_OWNER, TRL_AUTH_FARMER, TRL_AUTH_ADMIN };
enum { TRL_TYPE_SHARABLE = 1, TRL_WORKLOAD_PAUSED = 1,
       TRL_PLUGIN_NO_INLINE = 1,  /* must run in a helper process */
       TRL_PLUGIN_UNLOADABLE = 2, /* promises dlclose safety; dev mode only */
       TRL_CALL_REPLAY = 1,       /* boot re-provision: no ledger needed */
       TRL_CALL_RETRY = 2,        /* an earlier attempt was cut short */
       TRL_OPEN_ISOLATED = 1, TRL_OPEN_DEV = 2,
       TRL_COMMAND_MUTATING = 1,  /* refused while draining, serialised with itself */
       TRL_COMMAND_LOCAL = 2 };   /* only on the local control socket */

/* Borrowed bytes, not NUL-terminated. `data` may be NULL when size is 0. */
typedef struct trl_bytes { const char *data; size_t size; } trl_bytes;
/* An output. `write` returns < 0 when the receiver's limit is reached: stop and return that status. */
typedef struct trl_sink { void *ctx; trl_status (*write)(void *ctx, trl_bytes chunk) TRL_NOEXCEPT; } trl_sink;
/* Borrowed descriptors: dup with CLOEXEC to keep one. */
typedef struct trl_fds { const int32_t *data; size_t size; } trl_fds;
/* `put` duplicates at once; at most 8 per call. */
typedef struct trl_fd_sink { void *ctx; trl_status (*put)(void *ctx, int32_t fd) TRL_NOEXCEPT; } trl_fd_sink;
/* cru: cores; sru, hru, mru: bytes of ssd, hdd, memory; ipv4u: public IPv4 addresses. */
typedef struct trl_capacity { uint32_t size, reserved; uint64_t cru, sru, hru, mru, ipv4u; } trl_capacity;

typedef struct trl_call {
  uint32_t size, flags;  /* TRL_CALL_* */
  uint64_t id;           /* unique per daemon life; in every log line of the call */
  int64_t deadline_ns;   /* CLOCK_MONOTONIC; INT64_MAX = none */
  uint64_t contract_id;
  uint32_t twin_id;
  uint32_t attempt;      /* 1 = first try */
  void *host_data;       /* opaque: hand back unchanged */
} trl_call;

typedef struct trl_workload {
  uint32_t size, version;
  uint32_t flags;         /* TRL_WORKLOAD_PAUSED: bring it up not usable */
  uint32_t handle_schema; /* schema number of `handle` */
  trl_bytes id;           /* twin-contract-name */
  trl_bytes name, type, data, metadata, description;
  trl_bytes result;       /* JSON of the stored result, empty if none */
  trl_bytes previous;     /* data really in effect (update, inspect, deprovision), empty if none */
  trl_bytes handle;       /* what provision or update returned, maybe of an older plugin; <= 64 KiB */
} trl_workload;

/* Filled by provision and update. */
typedef struct trl_out {
  uint32_t size;
  uint32_t handle_schema; /* set by the plugin */
  trl_sink result;        /* JSON shown to the user */
  trl_sink handle;        /* opaque, given back later */
  trl_sink err;
} trl_out;

typedef struct trl_observed { uint32_t size; int32_t state; } trl_observed; /* TRL_OBSERVED_* */

typedef struct trl_type_ops {
  uint32_t size, reserved;
  /* Mandatory and pure: no I/O, < 10 ms, any thread, any time between create and destroy.
   * valid: err = "[<reason code>] sentence". */
  trl_status (*valid)(void *self, const trl_call *, trl_bytes data, trl_sink err) TRL_NOEXCEPT;
  trl_status (*challenge)(void *self, trl_bytes data, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*capacity)(void *self, trl_bytes data, trl_capacity *out, trl_sink err) TRL_NOEXCEPT;
  /* Mandatory effects; all converge: callable again after any partial run. */
  trl_status (*provision)(void *self, const trl_call *, const trl_workload *, trl_out *) TRL_NOEXCEPT;
  trl_status (*deprovision)(void *self, const trl_call *, const trl_workload *, trl_sink err) TRL_NOEXCEPT;
  trl_status (*inspect)(void *self, const trl_call *, const trl_workload *, trl_observed *state, trl_sink detail, trl_sink err) TRL_NOEXCEPT;
  trl_status (*list_owned)(void *self, const trl_call *, trl_sink out, trl_sink err) TRL_NOEXCEPT; /* JSON array of workload ids */
  /* Optional: NULL allowed. */
  trl_status (*update)(void *self, const trl_call *, const trl_workload *, trl_out *) TRL_NOEXCEPT; /* NULL: cannot be updated */
  trl_status (*pause)(void *self, const trl_call *, const trl_workload *, trl_sink err) TRL_NOEXCEPT; /* NULL: only the state flips */
  trl_status (*resume)(void *self, const trl_call *, const trl_workload *, trl_sink err) TRL_NOEXCEPT;
  trl_status (*precheck)(void *self, const trl_call *, int32_t op, const trl_workload *, trl_sink err) TRL_NOEXCEPT; /* op 1 provision, 2 update */
  trl_status (*dependencies)(void *self, trl_bytes data, trl_sink out, trl_sink err) TRL_NOEXCEPT; /* JSON array of workload names */
  trl_status (*recovered)(void *self, const trl_call *, const trl_bytes *ids, size_t count, trl_sink err) TRL_NOEXCEPT;
  int64_t (*weight)(void *self, trl_bytes data) TRL_NOEXCEPT;
} trl_type_ops;

typedef struct trl_type_desc {
  uint32_t size, flags;  /* TRL_TYPE_* */
  uint32_t rank;         /* 0 = 5000 */
  uint32_t max_parallel; /* effects at once over all workloads of the type; 0 = 4 */
  trl_bytes name;
  const trl_bytes *after; size_t after_count; /* type names provisioned before this one */
  const trl_type_ops *ops; void *self;
} trl_type_desc;

typedef trl_status (*trl_service_fn)(void *self, const trl_call *, trl_bytes method, trl_bytes request, trl_fds fds,
                                     trl_sink reply, trl_fd_sink reply_fds, trl_sink err) TRL_NOEXCEPT;

/* What the host offers. `ctx` is the first argument of every function here and of every extension. */
typedef struct trl_host {
  uint32_t size; uint16_t abi_major, abi_minor;
  void *ctx;
  void (*log)(void *ctx, int32_t level, trl_bytes text, trl_bytes fields_json) TRL_NOEXCEPT; /* never blocks */
  int32_t (*log_level)(void *ctx) TRL_NOEXCEPT;
  trl_status (*register_type)(void *ctx, const trl_type_desc *, trl_sink err) TRL_NOEXCEPT; /* only inside create */
  trl_status (*register_service)(void *ctx, trl_bytes id, trl_service_fn, void *self, trl_sink err) TRL_NOEXCEPT; /* only inside create */
  trl_status (*call_service)(void *ctx, const trl_call *, trl_bytes id, trl_bytes method, trl_bytes request, trl_fds fds,
                             trl_sink reply, trl_fd_sink reply_fds, trl_sink err) TRL_NOEXCEPT;
  int32_t (*cancelled)(void *ctx, const trl_call *) TRL_NOEXCEPT; /* 1 = cancelled or past deadline */
  int32_t (*cancel_fd)(void *ctx, const trl_call *) TRL_NOEXCEPT; /* readable when cancelled; owned by host; -1 = none */
  void (*progress)(void *ctx, const trl_call *, uint32_t permille, trl_bytes text) TRL_NOEXCEPT;
  const void *(*extension)(void *ctx, const char *id) TRL_NOEXCEPT; /* NULL = not available or not granted */
} trl_host;

/* config: JSON with all defaults filled in. Directories are absolute, exist, and have no final slash. node: JSON
 * {"node_id","farm_id","twin_id","public_key","region","boot_id","public_config"}. */
typedef struct trl_open { uint32_t size, flags; trl_bytes config, state_dir, run_dir, node; } trl_open;

typedef struct trl_plugin {
  uint32_t size;
  uint16_t abi_major, abi_minor_built, abi_minor_required, threading;
  uint32_t flags;
  const char *name, *version, *manifest; /* static, NUL-terminated; manifest = JSON without the file hash */
  trl_status (*create)(const trl_host *, const trl_open *, void **self, trl_sink err) TRL_NOEXCEPT;
  trl_status (*start)(void *self, const trl_call *, trl_sink err) TRL_NOEXCEPT;
  trl_status (*stop)(void *self, const trl_call *, trl_sink err) TRL_NOEXCEPT;
  void (*destroy)(void *self) TRL_NOEXCEPT;
  trl_status (*reconfigure)(void *self, const trl_call *, trl_bytes config, trl_sink err) TRL_NOEXCEPT;       /* may be NULL */
  trl_status (*migrate_config)(uint32_t from, trl_bytes config, trl_sink out, trl_sink err) TRL_NOEXCEPT;     /* may be NULL */
  trl_status (*migrate_state)(uint32_t from, trl_bytes state_dir, trl_sink err) TRL_NOEXCEPT;                 /* may be NULL */
  trl_status (*health)(void *self, const trl_call *, trl_sink out, trl_sink err) TRL_NOEXCEPT;                /* may be NULL */
} trl_plugin;

/* The only symbol a plugin exports. */
TRL_EXPORT const trl_plugin *trellis_plugin_v1(void) TRL_NOEXCEPT;

/* ---- Extensions: const tables from trl_host.extension; test for NULL. All functions may be called from any
 * thread of the plugin. H is the host's ctx. ---- */
#define TRL_H void *ctx

#define TRL_EXT_DEPLOYMENT "trellis.deployment/1"
typedef struct { uint32_t size, reserved;
  trl_status (*info)(TRL_H, const trl_call *, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*get)(TRL_H, const trl_call *, trl_bytes name, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*by_type)(TRL_H, const trl_call *, const trl_bytes *types, size_t count, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*shared)(TRL_H, const trl_call *, trl_bytes type, trl_bytes name, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*current)(TRL_H, trl_bytes workload_id, trl_sink out, trl_sink err) TRL_NOEXCEPT; } trl_ext_deployment;

#define TRL_EXT_CONTRACT "trellis.contract/1"
typedef struct { uint32_t size, reserved;
  trl_status (*contract)(TRL_H, const trl_call *, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*twin)(TRL_H, uint32_t twin_id, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*name_owner)(TRL_H, trl_bytes name, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  int32_t (*node_rented)(TRL_H, const trl_call *) TRL_NOEXCEPT; } trl_ext_contract;

typedef trl_status (*trl_command_fn)(void *self, const trl_call *, trl_bytes payload, trl_sink reply, int32_t *code, trl_sink err) TRL_NOEXCEPT;
/* Zeros mean the defaults: max_payload 64 KiB, timeout_ms 5000, max_parallel 4. */
typedef struct trl_command { uint32_t size, flags; int32_t auth; uint32_t max_payload, timeout_ms, max_parallel;
  trl_bytes name; const trl_bytes *aliases; size_t alias_count; trl_command_fn fn; void *self; } trl_command;
#define TRL_EXT_COMMAND "trellis.command/1"
typedef struct { uint32_t size, reserved;
  trl_status (*add)(TRL_H, const trl_command *, trl_sink err) TRL_NOEXCEPT; } trl_ext_command; /* only inside create */

typedef trl_status (*trl_provider_fn)(void *self, const trl_call *, trl_bytes request, trl_sink out, trl_sink err) TRL_NOEXCEPT;
#define TRL_EXT_PROVIDER "trellis.provider/1"
typedef struct { uint32_t size, reserved;
  trl_status (*add)(TRL_H, trl_bytes kind, trl_bytes name, trl_bytes options, trl_provider_fn, void *self, trl_sink err) TRL_NOEXCEPT; } trl_ext_provider; /* only inside create */

typedef void (*trl_event_fn)(void *self, trl_bytes topic, trl_bytes payload) TRL_NOEXCEPT;
#define TRL_EXT_EVENT "trellis.event/1"
typedef struct { uint32_t size, reserved;
  trl_status (*publish)(TRL_H, trl_bytes topic, trl_bytes payload) TRL_NOEXCEPT;
  trl_status (*subscribe)(TRL_H, trl_bytes prefix, trl_event_fn, void *self, trl_sink err) TRL_NOEXCEPT; } trl_ext_event;

#define TRL_EXT_METRIC "trellis.metric/1"
typedef struct { uint32_t size, reserved;
  uint64_t (*define)(TRL_H, int32_t kind, trl_bytes name, trl_bytes help, trl_bytes labels) TRL_NOEXCEPT; /* kind 0 counter 1 gauge 2 histogram */
  void (*record)(TRL_H, uint64_t metric, double value) TRL_NOEXCEPT; } trl_ext_metric;

#define TRL_EXT_STORE "trellis.store/1"
typedef struct { uint32_t size, reserved;
  trl_status (*get)(TRL_H, trl_bytes key, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*put)(TRL_H, trl_bytes key, trl_bytes value, trl_sink err) TRL_NOEXCEPT;
  trl_status (*remove)(TRL_H, trl_bytes key, trl_sink err) TRL_NOEXCEPT;
  trl_status (*list)(TRL_H, trl_bytes prefix, trl_sink out, trl_sink err) TRL_NOEXCEPT; } trl_ext_store;

typedef void (*trl_task_fn)(void *self) TRL_NOEXCEPT;
#define TRL_EXT_SCHEDULE "trellis.schedule/1"
typedef struct { uint32_t size, reserved;
  uint64_t (*after)(TRL_H, uint64_t delay_ms, uint64_t period_ms, trl_task_fn, void *self) TRL_NOEXCEPT;
  void (*cancel)(TRL_H, uint64_t task) TRL_NOEXCEPT; } trl_ext_schedule;

#define TRL_EXT_PROCESS "trellis.process/1"
typedef struct { uint32_t size, reserved;
  trl_status (*ensure)(TRL_H, const trl_call *, trl_bytes name, trl_bytes spec, trl_fds fds, trl_sink out, trl_sink err) TRL_NOEXCEPT;
  trl_status (*stop)(TRL_H, const trl_call *, trl_bytes name, trl_sink err) TRL_NOEXCEPT;
  trl_status (*list)(TRL_H, trl_bytes prefix, trl_sink out, trl_sink err) TRL_NOEXCEPT; } trl_ext_process;

#define TRL_EXT_ENGINE "trellis.engine/1"
typedef struct { uint32_t size, reserved;
  trl_status (*fail)(TRL_H, trl_bytes workload_id, trl_bytes reason, trl_sink err) TRL_NOEXCEPT;
  trl_status (*observed)(TRL_H, trl_bytes workload_id, int32_t state, trl_bytes detail, trl_sink err) TRL_NOEXCEPT; } trl_ext_engine;

#undef TRL_H

TRL_STATIC_ASSERT(sizeof(void *) == 8 && sizeof(size_t) == 8, "the plugin ABI is for 64-bit Linux only");
TRL_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the plugin ABI is little-endian");

#ifdef __cplusplus
}
#endif
#endif /* TRELLIS_ABI_H */
