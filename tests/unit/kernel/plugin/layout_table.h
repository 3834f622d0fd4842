/* The layout of plugin ABI 1.0: X(struct, size) and Y(struct, member, offset). Never change a line.
 */
X(trl_bytes, 16)
Y(trl_bytes, size, 8) X(trl_sink, 16) Y(trl_sink, write, 8) X(trl_fds, 16) Y(trl_fds, size, 8) X(
    trl_fd_sink, 16) Y(trl_fd_sink, put, 8) X(trl_capacity, 48) Y(trl_capacity, cru,
                                                                  8) Y(trl_capacity, ipv4u,
                                                                       40) X(trl_call, 48)
    Y(trl_call, id, 8) Y(trl_call, deadline_ns, 16) Y(trl_call, contract_id, 24) Y(trl_call, twin_id, 32) Y(
        trl_call,
        attempt, 36) Y(trl_call, host_data, 40)
        X(trl_workload, 160) Y(trl_workload, version, 4) Y(
            trl_workload,
            flags,
            8) Y(trl_workload, handle_schema,
                 12) Y(trl_workload, id,
                       16) Y(trl_workload, name,
                             32) Y(trl_workload, type,
                                   48) Y(trl_workload, data,
                                         64) Y(trl_workload, metadata, 80)
            Y(trl_workload, description, 96) Y(trl_workload, result, 112) Y(trl_workload, previous, 128) Y(
                trl_workload,
                handle,
                144) X(trl_out,
                       56) Y(trl_out, handle_schema,
                             4) Y(trl_out, result, 8)
                Y(trl_out, handle, 24) Y(trl_out, err, 40) X(trl_observed, 8) Y(
                    trl_observed,
                    state,
                    4) X(trl_type_ops,
                         120) Y(trl_type_ops, valid, 8)
                    Y(trl_type_ops, challenge, 16) Y(trl_type_ops, capacity, 24) Y(
                        trl_type_ops,
                        provision, 32) Y(trl_type_ops, deprovision, 40)
                        Y(trl_type_ops, inspect, 48) Y(trl_type_ops, list_owned, 56) Y(trl_type_ops, update, 64) Y(
                            trl_type_ops,
                            pause, 72) Y(trl_type_ops, resume,
                                         80) Y(trl_type_ops, precheck,
                                               88) Y(trl_type_ops, dependencies,
                                                     96) Y(trl_type_ops, recovered, 104)
                            Y(trl_type_ops, weight, 112) X(trl_type_desc, 64) Y(trl_type_desc, flags, 4) Y(
                                trl_type_desc,
                                rank,
                                8) Y(trl_type_desc, max_parallel,
                                     12) Y(trl_type_desc, name,
                                           16) Y(trl_type_desc, after, 32)
                                Y(trl_type_desc, after_count, 40) Y(
                                    trl_type_desc,
                                    ops, 48) Y(trl_type_desc, self,
                                               56) X(trl_command, 72)
                                    Y(trl_command, flags, 4) Y(
                                        trl_command,
                                        auth,
                                        8) Y(trl_command, max_payload,
                                             12) Y(trl_command, timeout_ms,
                                                   16) Y(trl_command, max_parallel,
                                                         20) Y(trl_command, name, 24)
                                        Y(trl_command,
                                          aliases, 40) Y(trl_command, alias_count,
                                                         48) Y(trl_command, fn, 56)
                                            Y(trl_command, self, 64) X(trl_host, 88) Y(
                                                trl_host,
                                                abi_major, 4) Y(trl_host, abi_minor, 6)
                                                Y(trl_host, ctx,
                                                  8) Y(trl_host, log,
                                                       16) Y(trl_host, log_level,
                                                             24) Y(trl_host, register_type,
                                                                   32) Y(trl_host, register_service,
                                                                         40) Y(trl_host,
                                                                               call_service,
                                                                               48) Y(trl_host, cancelled, 56)
                                                    Y(trl_host, cancel_fd, 64) Y(trl_host, progress, 72) Y(
                                                        trl_host,
                                                        extension, 80) X(trl_open, 72)
                                                        Y(trl_open, config,
                                                          8) Y(trl_open, state_dir,
                                                               24) Y(trl_open, run_dir,
                                                                     40) Y(trl_open, node, 56)
                                                            X(trl_plugin, 104) Y(trl_plugin, abi_major, 4) Y(
                                                                trl_plugin,
                                                                abi_minor_built,
                                                                6) Y(trl_plugin, abi_minor_required,
                                                                     8) Y(trl_plugin, threading, 10)
                                                                Y(trl_plugin, flags, 12) Y(trl_plugin, name, 16) Y(
                                                                    trl_plugin,
                                                                    version, 24) Y(trl_plugin,
                                                                                   manifest,
                                                                                   32) Y(trl_plugin,
                                                                                         create,
                                                                                         40)
                                                                    Y(trl_plugin, start, 48) Y(
                                                                        trl_plugin,
                                                                        stop,
                                                                        56) Y(trl_plugin, destroy, 64)
                                                                        Y(trl_plugin, reconfigure, 72) Y(
                                                                            trl_plugin,
                                                                            migrate_config,
                                                                            80) Y(trl_plugin, migrate_state, 88)
                                                                            Y(trl_plugin, health, 96) X(
                                                                                trl_ext_deployment,
                                                                                48) X(trl_ext_contract, 40)
                                                                                X(trl_ext_command, 16) X(
                                                                                    trl_ext_provider,
                                                                                    16)
                                                                                    X(trl_ext_event,
                                                                                      24) X(trl_ext_metric,
                                                                                            24)
                                                                                        X(trl_ext_store,
                                                                                          40) X(trl_ext_schedule,
                                                                                                24)
                                                                                            X(trl_ext_process,
                                                                                              32)
                                                                                                X(trl_ext_engine,
                                                                                                  24)
