/* A plugin that keeps texts in files, and breaks one rule of the ABI: the one that check C<BAD> looks at. BAD 0 breaks
 * none. */
#include <trellis/abi.h>
#include <trellis/fields.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(x) #x
#ifdef NAME /* the plugin of the frozen ABI */
#define NAME_OF(number) NAME
#else
#define NAME_OF(number) "bad-" TEXT(number)
#endif
#define PATH 1024

struct plugin {
  const trl_host *host;
  char dir[PATH];
  int isolated;
};

static trl_bytes text(const char *s) {
  trl_bytes bytes = {s, strlen(s)};
  return bytes;
}

static trl_status fail(trl_sink err, trl_status status, const char *sentence) {
  err.write(err.ctx, text(sentence));
  return status;
}

static void file_of(struct plugin *me, trl_bytes id, char *out) {
  snprintf(out, PATH, "%s/%.*s.text", me->dir, (int)id.size, id.data);
}

static trl_status decode(trl_bytes data, char *out, trl_sink err) {
  return trl_field_text(data, "text", out, 64) < 0 ? fail(err, TRL_DECODE, "text: expected a short string") : TRL_OK;
}

static trl_status valid(void *self, const trl_call *call, trl_bytes data, trl_sink err) {
  char value[64];
  (void)self, (void)call;
#if BAD == 7
  if (data.size == 2 && data.data[0] == '[') abort();
#endif
  return decode(data, value, err);
}

#if BAD == 27
static _Atomic int provisioning;
#endif

static trl_status challenge(void *self, trl_bytes data, trl_sink out, trl_sink err) {
  struct plugin *me = self;
  char value[64];
  trl_status status = decode(data, value, err);
  (void)me;
  if (status < 0) return status;
#if BAD == 8
  {
    static int count;
    snprintf(value, sizeof value, "%d", __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED));
  }
#elif BAD == 12
  out.write(out.ctx, text(value));
  out.write(out.ctx, text(value));
  return TRL_OK;
#elif BAD == 27
  if (provisioning) return out.write(out.ctx, text("busy"));
#elif BAD == 29
  if (me->isolated) return out.write(out.ctx, text("apart"));
#endif
  return out.write(out.ctx, text(value));
}

static trl_status capacity(void *self, trl_bytes data, trl_capacity *out, trl_sink err) {
  char value[64];
  (void)self, (void)out;
#if BAD == 9
  return decode(data, value, err) < 0 ? TRL_INVALID : TRL_OK;
#else
  return decode(data, value, err);
#endif
}

static trl_status provision(void *self, const trl_call *call, const trl_workload *w, trl_out *out) {
  struct plugin *me = self;
  char path[PATH], value[64];
  int file;
  trl_status status = decode(w->data, value, out->err);
  if (status < 0) return status;
  file_of(me, w->id, path);
#if BAD == 13 || BAD == 14
  {
    const trl_ext_store *store = me->host->extension(me->host->ctx, TRL_EXT_STORE);
    status = store->put(me->host->ctx, w->id, text(value), out->err);
    if (BAD == 14 && status < 0) abort();
  }
#elif BAD == 18
  if (access(path, F_OK) == 0) return fail(out->err, TRL_EXISTS, "it is there already");
#elif BAD == 26
  while (me->host->cancelled(me->host->ctx, call)) usleep(1000);
#endif
  (void)call;
#if BAD == 27
  provisioning = 1;
  usleep(20000);
#endif
  file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return fail(out->err, TRL_IO, strerror(errno));
  if (write(file, value, strlen(value)) < 0) errno = 0;
  close(file);
#if BAD == 27
  provisioning = 0;
#endif
  return out->result.write(out->result.ctx, text("{}"));
}

static trl_status deprovision(void *self, const trl_call *call, const trl_workload *w, trl_sink err) {
  struct plugin *me = self;
  char path[PATH];
  (void)call;
  file_of(me, w->id, path);
#if BAD == 19
  if (memmem(w->id.data, w->id.size, "never", 5) != NULL) return fail(err, TRL_NOT_FOUND, "there is no such thing");
#elif BAD == 20
  if (unlink(path) != 0) return fail(err, TRL_NOT_FOUND, "there is no such thing");
#elif BAD == 22
  return TRL_OK; /* and the file stays */
#elif BAD == 30
  if (call->id == 1 && access(path, F_OK) == 0 && me->isolated) return TRL_OK; /* as if it knew its own files only */
#elif BAD == 23
  if (w->handle.size == 0) return fail(err, TRL_INVALID, "the handle is missing");
#endif
  (void)err;
  unlink(path);
  return TRL_OK;
}

static trl_status inspect(void *self, const trl_call *call, const trl_workload *w, trl_observed *seen, trl_sink detail,
                          trl_sink err) {
  char path[PATH];
  (void)call, (void)detail, (void)err;
  file_of(self, w->id, path);
  if (access(path, F_OK) == 0) seen->state = TRL_OBSERVED_RUNNING;
  else seen->state = TRL_OBSERVED_ABSENT;
#if BAD == 21
  if (seen->state == TRL_OBSERVED_ABSENT) return fail(err, TRL_NOT_FOUND, "there is no such thing");
#endif
  return TRL_OK;
}

static trl_status list_owned(void *self, const trl_call *call, trl_sink out, trl_sink err) {
  struct plugin *me = self;
  struct dirent *entry;
  int count = 0;
  DIR *dir = opendir(me->dir);
  (void)call;
  if (dir == NULL) return fail(err, TRL_IO, strerror(errno));
  out.write(out.ctx, text("["));
  while ((entry = readdir(dir)) != NULL) {
    char line[PATH];
    char *end = strstr(entry->d_name, ".text");
    if (end == NULL) continue;
    snprintf(line, sizeof line, "%s\"%.*s\"", count++ > 0 ? "," : "", (int)(end - entry->d_name), entry->d_name);
    out.write(out.ctx, text(line));
  }
  closedir(dir);
  return out.write(out.ctx, text("]"));
}

static trl_status update(void *self, const trl_call *call, const trl_workload *w, trl_out *out) {
#if BAD == 24
  return fail(out->err, TRL_CONFLICT, "there is nothing to change");
#endif
  return provision(self, call, w, out);
}

static trl_status pause_resume(void *self, const trl_call *call, const trl_workload *w, trl_sink err) {
  char path[PATH];
  (void)call;
  file_of(self, w->id, path);
#if BAD == 25
  return TRL_OK;
#endif
  return access(path, F_OK) == 0 ? TRL_OK : fail(err, TRL_NOT_FOUND, "there is no such thing");
}

static const trl_type_ops ops = {
    .size = sizeof(trl_type_ops),
    .valid = valid,
    .challenge = challenge,
    .capacity = capacity,
    .provision = provision,
    .deprovision = deprovision,
    .inspect = inspect,
#if BAD != 3
    .list_owned = list_owned,
#endif
    .update = update,
    .pause = pause_resume,
    .resume = pause_resume,
};

static trl_status create(const trl_host *host, const trl_open *open_with, void **self, trl_sink err) {
  trl_type_desc type = {.size = sizeof type, .ops = &ops};
  struct plugin *made = calloc(1, sizeof *made);
  trl_status status;
  (void)list_owned;
  made->host = host;
  made->isolated = (open_with->flags & TRL_OPEN_ISOLATED) != 0;
  memcpy(made->dir, open_with->state_dir.data, open_with->state_dir.size);
#if BAD == 4
  if (open_with->config.size == 2) return TRL_INVALID;
#elif BAD == 5
  if (open_with->config.size == 0 || open_with->config.data[0] != '{') abort();
#elif BAD == 10
  if (((const uint64_t *)(const void *)(host + 1))[0] == 1) made->isolated = 0;
#elif BAD == 11
  ((const trl_ext_store *)host->extension(host->ctx, TRL_EXT_STORE))->remove(host->ctx, text("a"), err);
#elif BAD == 15
  if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return fail(err, TRL_IO, strerror(errno));
#elif BAD == 28
  if (made->isolated) return fail(err, TRL_UNSUPPORTED, "not in a helper process");
#endif
  type.name = text("text");
  type.self = made;
  status = host->register_type(host->ctx, &type, err);
  *self = made;
  return status;
}

#if BAD == 16
static void *wait_for_ever(void *unused) {
  (void)unused;
  for (;;) pause();
}
#endif

static trl_status start(void *self, const trl_call *call, trl_sink err) {
  (void)self, (void)call, (void)err;
#if BAD == 16
  {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
  }
#endif
  return TRL_OK;
}

static trl_status stop(void *self, const trl_call *call, trl_sink err) {
  (void)self, (void)call, (void)err;
  return TRL_OK;
}

static void destroy(void *self) {
#if BAD == 17
  struct plugin *me = self;
  me->host->log(me->host->ctx, TRL_LOG_INFO, text("bye"), text(""));
#endif
  free(self);
}

#if BAD == 6
#define CONFIG ",\"config\":{\"version\":1,\"schema\":{\"type\":\"object\",\"additionalProperties\":false}}"
#else
#define CONFIG                                                                                               \
  ",\"config\":{\"version\":1,\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":" \
  "{\"size\":{\"type\":\"integer\",\"minimum\":1}}}}"
#endif

static const trl_plugin plugin = {
    .size = sizeof(trl_plugin),
    .abi_major = TRL_ABI_MAJOR,
    .abi_minor_built = TRL_ABI_MINOR,
#if BAD == 2
    .name = "somebody",
#else
    .name = NAME_OF(BAD),
#endif
    .version = "1.0.0",
    .manifest = "{\"manifest\":1,\"name\":\"" NAME_OF(BAD) "\",\"version\":\"1.0.0\"" CONFIG "}",
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

TRL_EXPORT const trl_plugin *trellis_plugin_v1(void) { return &plugin; }
#if BAD == 1
TRL_EXPORT int trellis_plugin_v1_extra = 1;
#endif
