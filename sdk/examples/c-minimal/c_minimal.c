/* The smallest useful plugin in plain C: the type `c-note` keeps a text in a file below the
 * plugin's state directory. Its data is the JSON object {"text": "…"}. */
#include <trellis/abi.h>
#include <trellis/fields.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PATH 1024
#define MAX_TEXT 1024

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

/* Challenge and note are made of the decoded text, never of the JSON as it came. */
static trl_status decode(trl_bytes data, char out[MAX_TEXT], trl_sink err) {
  int got = trl_field_text(data, "text", out, MAX_TEXT);
  if (got == TRL_EXHAUSTED)
    return fail(err, TRL_INVALID, "[text] the note has more than 1023 bytes");
  return got < 0 ? fail(err, TRL_DECODE, "text: expected an object with a string") : TRL_OK;
}

static trl_status note_valid(void* self, const trl_call* call, trl_bytes data, trl_sink err) {
  char note[MAX_TEXT];
  trl_status status = decode(data, note, err);
  (void)self;
  (void)call;
  if (status < 0) return status;
  return note[0] != 0 ? TRL_OK : fail(err, TRL_INVALID, "[text] the note is empty");
}

static trl_status note_challenge(void* self, trl_bytes data, trl_sink out, trl_sink err) {
  char note[MAX_TEXT];
  trl_status status = decode(data, note, err);
  (void)self;
  return status < 0 ? status : out.write(out.ctx, text(note));
}

static trl_status note_capacity(void* self, trl_bytes data, trl_capacity* out, trl_sink err) {
  char note[MAX_TEXT];
  (void)self;
  (void)out; /* the host has zeroed it, and a note costs nothing */
  return decode(data, note, err);
}

static trl_status note_provision(void* self, const trl_call* call, const trl_workload* w,
                                 trl_out* out) {
  char path[MAX_PATH];
  char note[MAX_TEXT];
  FILE* file;
  size_t written;
  trl_status status = decode(w->data, note, out->err);
  (void)call;
  if (status < 0) return status;
  if (!path_of(self, w->id, path)) return fail(out->err, TRL_INVALID, "the id is too long");
  file = fopen(path, "we");
  if (file == NULL) return fail(out->err, TRL_IO, strerror(errno));
  written = fwrite(note, 1, strlen(note), file);
  if (fclose(file) != 0 || written != strlen(note))
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

/* Every note that is there: from the disk, not from memory. */
static trl_status note_list_owned(void* self, const trl_call* call, trl_sink out, trl_sink err) {
  static const char suffix[] = ".note";
  struct plugin* me = self;
  struct dirent* entry;
  int count = 0;
  trl_status status = out.write(out.ctx, text("["));
  DIR* dir = opendir(me->dir);
  (void)call;
  if (dir == NULL) return fail(err, TRL_IO, strerror(errno));
  while (status >= 0 && (entry = readdir(dir)) != NULL) {
    char line[MAX_PATH];
    size_t size = strlen(entry->d_name);
    size_t tail = sizeof suffix - 1;
    if (size <= tail || strcmp(entry->d_name + size - tail, suffix) != 0) continue;
    snprintf(line, sizeof line, "%s\"%.*s\"", count++ > 0 ? "," : "", (int)(size - tail),
             entry->d_name);
    status = out.write(out.ctx, text(line));
  }
  closedir(dir);
  return status < 0 ? status : out.write(out.ctx, text("]"));
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
