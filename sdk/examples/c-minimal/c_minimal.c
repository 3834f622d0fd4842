/* The smallest useful plugin in plain C: the type `c-note` keeps a text in a file below the
 * plugin's state directory. Its data is the JSON object {"text": "…"}; for brevity the object is
 * kept as it came. */
#include <trellis/abi.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PATH 1024

struct plugin {
  const trl_host* host;
  char dir[MAX_PATH];
};

static trl_bytes text(const char* s) {
  trl_bytes bytes = {s, strlen(s)};
  return bytes;
}

static trl_status fail(trl_sink err, trl_status status, const char* sentence) {
  err.write(err.ctx, text(sentence));
  return status;
}

/* The file of a workload; ids hold letters, digits, '-' and '_' only. */
static int path_of(const struct plugin* self, trl_bytes id, char* out) {
  int n = snprintf(out, MAX_PATH, "%s/%.*s.note", self->dir, (int)id.size, id.data);
  return n > 0 && n < MAX_PATH;
}

static trl_status check(trl_bytes data, trl_sink err) {
  if (data.size < 2 || data.data[0] != '{' || data.data[data.size - 1] != '}')
    return fail(err, TRL_DECODE, "expected an object");
  return TRL_OK;
}

static trl_status note_valid(void* self, const trl_call* call, trl_bytes data, trl_sink err) {
  (void)self;
  (void)call;
  return check(data, err);
}

static trl_status note_challenge(void* self, trl_bytes data, trl_sink out, trl_sink err) {
  (void)self;
  trl_status status = check(data, err);
  return status < 0 ? status : out.write(out.ctx, data);
}

static trl_status note_capacity(void* self, trl_bytes data, trl_capacity* out, trl_sink err) {
  (void)self;
  (void)out; /* the host has zeroed it, and a note costs nothing */
  return check(data, err);
}

static trl_status note_provision(void* self, const trl_call* call, const trl_workload* w,
                                 trl_out* out) {
  char path[MAX_PATH];
  FILE* file;
  size_t written;
  (void)call;
  if (!path_of(self, w->id, path)) return fail(out->err, TRL_INVALID, "the id is too long");
  file = fopen(path, "we");
  if (file == NULL) return fail(out->err, TRL_IO, strerror(errno));
  written = fwrite(w->data.data, 1, w->data.size, file);
  if (fclose(file) != 0 || written != w->data.size)
    return fail(out->err, TRL_IO, "the note cannot be written");
  return out->result.write(out->result.ctx, text("{\"kept\":true}"));
}

static trl_status note_deprovision(void* self, const trl_call* call, const trl_workload* w,
                                   trl_sink err) {
  char path[MAX_PATH];
  (void)call;
  if (!path_of(self, w->id, path)) return fail(err, TRL_INVALID, "the id is too long");
  if (unlink(path) != 0 && errno != ENOENT) return fail(err, TRL_IO, strerror(errno));
  return TRL_OK;
}

static trl_status note_inspect(void* self, const trl_call* call, const trl_workload* w,
                               trl_observed* seen, trl_sink detail, trl_sink err) {
  char path[MAX_PATH];
  (void)call;
  (void)detail;
  if (!path_of(self, w->id, path)) return fail(err, TRL_INVALID, "the id is too long");
  seen->state = access(path, R_OK) == 0 ? TRL_OBSERVED_RUNNING : TRL_OBSERVED_ABSENT;
  return TRL_OK;
}

static trl_status note_list_owned(void* self, const trl_call* call, trl_sink out, trl_sink err) {
  (void)self;
  (void)call;
  (void)err;
  return out.write(out.ctx, text("[]")); /* a note left behind harms nobody */
}

static const trl_type_ops note_ops = {
    .size = sizeof(trl_type_ops),
    .valid = note_valid,
    .challenge = note_challenge,
    .capacity = note_capacity,
    .provision = note_provision,
    .deprovision = note_deprovision,
    .inspect = note_inspect,
    .list_owned = note_list_owned,
};

static trl_status create(const trl_host* host, const trl_open* open, void** self, trl_sink err) {
  trl_type_desc type = {.size = sizeof type, .ops = &note_ops};
  trl_status status;
  struct plugin* made = calloc(1, sizeof *made);
  if (made == NULL) return fail(err, TRL_EXHAUSTED, "out of memory");
  made->host = host;
  if (open->state_dir.size >= MAX_PATH) {
    free(made);
    return fail(err, TRL_INVALID, "the state directory's path is too long");
  }
  memcpy(made->dir, open->state_dir.data, open->state_dir.size);
  type.name = text("c-note");
  type.self = made;
  status = host->register_type(host->ctx, &type, err);
  if (status < 0) {
    free(made);
    return status;
  }
  *self = made;
  return TRL_OK;
}

static trl_status start(void* self, const trl_call* call, trl_sink err) {
  (void)self;
  (void)call;
  (void)err;
  return TRL_OK;
}

static trl_status stop(void* self, const trl_call* call, trl_sink err) {
  (void)self;
  (void)call;
  (void)err;
  return TRL_OK;
}

static void destroy(void* self) {
  free(self);
}

static const trl_plugin plugin = {
    .size = sizeof(trl_plugin),
    .abi_major = TRL_ABI_MAJOR,
    .abi_minor_built = TRL_ABI_MINOR,
    .name = "c-minimal",
    .version = "1.0.0",
    .manifest = "{\"manifest\":1,\"name\":\"c-minimal\",\"version\":\"1.0.0\"}",
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

TRL_EXPORT const trl_plugin* trellis_plugin_v1(void) {
  return &plugin;
}
