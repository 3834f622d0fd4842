/* The plugin @NAME@: one workload type, `@NAME@`, that keeps a text in a file below the plugin's
 * state directory. Its data is the JSON object {"text": "…"}. Replace the text by what your workload
 * is about; the shape stays. Every operation may be called again after any partial run. */
#include <trellis/abi.h>
#include <trellis/fields.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest.h"

enum { kMaxPath = 1024, kMaxText = 4096 };
static const char kSuffix[] = ".text";

struct plugin {
  uint64_t max_bytes; /* [plugin.@NAME@.config]; the schema in manifest.h says the same */
  char dir[kMaxPath];
};

static trl_bytes text(const char *s) {
  trl_bytes bytes = {s, strlen(s)};
  return bytes;
}

static trl_status fail(trl_sink err, trl_status status, const char *sentence) {
  err.write(err.ctx, text(sentence));
  return status;
}

/* The file of a workload; ids hold letters, digits, '-' and '_' only. */
static int path_of(const struct plugin *self, trl_bytes id, const char *suffix, char *out) {
  int n = snprintf(out, kMaxPath, "%s/%.*s%s", self->dir, (int)id.size, id.data, suffix);
  return n > 0 && n < kMaxPath;
}

/* ---- the data: pure and quick, called from any thread at any time ---- */

static trl_status decode(trl_bytes data, char out[kMaxText], trl_sink err) {
  int got = trl_field_text(data, "text", out, kMaxText);
  if (got == TRL_EXHAUSTED) return fail(err, TRL_INVALID, "[text] the text has more than 4095 bytes");
  if (got < 0) return fail(err, TRL_DECODE, "text: expected an object with a string");
  return TRL_OK;
}

static trl_status @IDENT@_valid(void *self, const trl_call *call, trl_bytes data, trl_sink err) {
  char value[kMaxText];
  trl_status status = decode(data, value, err);
  (void)self;
  (void)call;
  if (status < 0) return status;
  return value[0] != 0 ? TRL_OK : fail(err, TRL_INVALID, "[text] the text is empty");
}

/* What the user signs: every member that matters, in an order that never changes. */
static trl_status @IDENT@_challenge(void *self, trl_bytes data, trl_sink out, trl_sink err) {
  char value[kMaxText];
  trl_status status = decode(data, value, err);
  (void)self;
  return status < 0 ? status : out.write(out.ctx, text(value));
}

static trl_status @IDENT@_capacity(void *self, trl_bytes data, trl_capacity *out, trl_sink err) {
  char value[kMaxText];
  (void)self;
  (void)out; /* the host has zeroed it, and a text costs nothing */
  return decode(data, value, err);
}

/* ---- the effects ---- */

/* Reads the file of a workload: 1 there, 0 not there, < 0 a status. */
static int read_file(const struct plugin *self, trl_bytes id, char out[kMaxText]) {
  char path[kMaxPath];
  FILE *file;
  size_t n;
  if (!path_of(self, id, kSuffix, path)) return TRL_INVALID;
  file = fopen(path, "re");
  if (file == NULL) return errno == ENOENT ? 0 : TRL_IO;
  n = fread(out, 1, kMaxText - 1, file);
  out[n] = 0;
  fclose(file);
  return 1;
}

/* Through a second name, so that a crash leaves the whole old or the whole new text. */
static trl_status write_file(const struct plugin *self, trl_bytes id, const char *value, trl_sink err) {
  char path[kMaxPath], draft[kMaxPath];
  FILE *file;
  int bad;
  if (!path_of(self, id, kSuffix, path) || !path_of(self, id, ".draft", draft))
    return fail(err, TRL_INVALID, "the id is too long");
  file = fopen(draft, "we");
  if (file == NULL) return fail(err, TRL_IO, strerror(errno));
  bad = fputs(value, file) == EOF || fflush(file) != 0 || fsync(fileno(file)) != 0;
  bad |= fclose(file) != 0;
  if (bad || rename(draft, path) != 0) return fail(err, TRL_IO, "the text cannot be written");
  return TRL_OK;
}

static trl_status @IDENT@_provision(void *self, const trl_call *call, const trl_workload *w, trl_out *out) {
  struct plugin *me = self;
  char value[kMaxText], kept[kMaxText], result[64];
  int there = read_file(me, w->id, kept);
  trl_status status = decode(w->data, value, out->err);
  (void)call;
  if (status < 0) return status;
  if (strlen(value) > me->max_bytes) return fail(out->err, TRL_EXHAUSTED, "the text is longer than this node takes");
  snprintf(result, sizeof result, "{\"bytes\":%zu}", strlen(value));
  status = out->result.write(out->result.ctx, text(result));
  if (status < 0) return status;
  if (there == 1 && strcmp(kept, value) == 0) return TRL_NO_ACTION;
  return write_file(me, w->id, value, out->err);
}

/* Because the table has this function workloads of the type can be updated. */
static trl_status @IDENT@_update(void *self, const trl_call *call, const trl_workload *w, trl_out *out) {
  return @IDENT@_provision(self, call, w, out);
}

static trl_status @IDENT@_deprovision(void *self, const trl_call *call, const trl_workload *w, trl_sink err) {
  char path[kMaxPath];
  const char *const suffixes[] = {kSuffix, ".draft"};
  size_t i;
  (void)call;
  for (i = 0; i < 2; i++) {
    if (!path_of(self, w->id, suffixes[i], path)) return fail(err, TRL_INVALID, "the id is too long");
    if (unlink(path) != 0 && errno != ENOENT) return fail(err, TRL_IO, strerror(errno));
  }
  return TRL_OK; /* of an unknown workload: fine */
}

static trl_status @IDENT@_inspect(void *self, const trl_call *call, const trl_workload *w, trl_observed *seen,
                            trl_sink detail, trl_sink err) {
  char kept[kMaxText], wanted[kMaxText];
  int there = read_file(self, w->id, kept);
  (void)call;
  if (there < 0) return fail(err, TRL_IO, "the text cannot be read");
  seen->state = there ? TRL_OBSERVED_RUNNING : TRL_OBSERVED_ABSENT;
  if (there && trl_field_text(w->previous.size != 0 ? w->previous : w->data, "text", wanted, kMaxText) == 1 &&
      strcmp(kept, wanted) != 0) {
    seen->state = TRL_OBSERVED_DRIFTED;
    return detail.write(detail.ctx, text("the text is another one"));
  }
  return TRL_OK;
}

/* Every workload that something is kept for: from the disk, not from memory. */
static trl_status @IDENT@_list_owned(void *self, const trl_call *call, trl_sink out, trl_sink err) {
  struct plugin *me = self;
  struct dirent *entry;
  int count = 0;
  trl_status status = out.write(out.ctx, text("["));
  DIR *dir = opendir(me->dir);
  (void)call;
  if (dir == NULL) return fail(err, TRL_IO, strerror(errno));
  while (status >= 0 && (entry = readdir(dir)) != NULL) {
    char line[kMaxPath];
    size_t size = strlen(entry->d_name), tail = sizeof kSuffix - 1;
    if (size <= tail || strcmp(entry->d_name + size - tail, kSuffix) != 0) continue;
    snprintf(line, sizeof line, "%s\"%.*s\"", count++ > 0 ? "," : "", (int)(size - tail), entry->d_name);
    status = out.write(out.ctx, text(line));
  }
  closedir(dir);
  return status < 0 ? status : out.write(out.ctx, text("]"));
}

static const trl_type_ops @IDENT@_ops = {
    .size = sizeof(trl_type_ops),
    .valid = @IDENT@_valid,
    .challenge = @IDENT@_challenge,
    .capacity = @IDENT@_capacity,
    .provision = @IDENT@_provision,
    .deprovision = @IDENT@_deprovision,
    .inspect = @IDENT@_inspect,
    .list_owned = @IDENT@_list_owned,
    .update = @IDENT@_update,
};

/* ---- the plugin ---- */

/* Registers and has no effects. */
static trl_status create(const trl_host *host, const trl_open *open, void **self, trl_sink err) {
  trl_type_desc type = {.size = sizeof type, .ops = &@IDENT@_ops};
  trl_status status = TRL_OK;
  struct plugin *made = calloc(1, sizeof *made);
  if (made == NULL) return fail(err, TRL_EXHAUSTED, "out of memory");
  made->max_bytes = 1024;
  if (open->state_dir.size >= kMaxPath)
    status = fail(err, TRL_INVALID, "the state directory's path is too long");
  else if (open->config.size != 0 && trl_field_uint(open->config, "max_bytes", kMaxText - 1, &made->max_bytes) < 0)
    status = fail(err, TRL_INVALID, "max_bytes: expected a number from 1 to 4095");
  if (status == TRL_OK) {
    memcpy(made->dir, open->state_dir.data, open->state_dir.size);
    type.name = text("@NAME@");
    type.self = made;
    status = host->register_type(host->ctx, &type, err);
  }
  if (status < 0)
    free(made);
  else
    *self = made;
  return status;
}

static trl_status start(void *self, const trl_call *call, trl_sink err) {
  (void)self;
  (void)call;
  (void)err;
  return TRL_OK;
}

static trl_status stop(void *self, const trl_call *call, trl_sink err) {
  (void)self;
  (void)call;
  (void)err;
  return TRL_OK;
}

static void destroy(void *self) { free(self); }

static const trl_plugin plugin = {
    .size = sizeof(trl_plugin),
    .abi_major = TRL_ABI_MAJOR,
    .abi_minor_built = TRL_ABI_MINOR,
    .name = "@NAME@",
    .version = "0.1.0",
    .manifest = MANIFEST,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

TRL_EXPORT const trl_plugin *trellis_plugin_v1(void) { return &plugin; }
