import Net

/// The two files of a Postfix instance that only relays, and whose limits do not bind.
struct PostfixSettings {
    let directory: String
    let address: SocketAddress
    let mode: Postfix.Mode

    /// postconf(5)
    var main: String {
        """
        compatibility_level = 3.6
        queue_directory = \(directory)/queue
        data_directory = \(directory)/data
        maillog_file = \(directory)/mail.log
        maillog_file_prefixes = \(directory)
        multi_instance_enable = yes
        multi_instance_name = postfix-bench
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        myhostname = relay.bench.example
        mydestination =
        mynetworks = 127.0.0.0/8
        local_transport = error:no local mail
        alias_maps =
        local_recipient_maps =
        smtpd_recipient_restrictions = permit_mynetworks, reject
        smtpd_relay_restrictions = permit_mynetworks, reject
        default_process_limit = 200
        smtpd_client_connection_count_limit = 0
        smtpd_client_connection_rate_limit = 0
        smtpd_client_message_rate_limit = 0
        smtpd_client_event_limit_exceptions = static:all
        in_flow_delay = 0
        smtpd_peername_lookup = no
        smtp_dns_support_level = disabled
        smtp_host_lookup = native
        default_destination_concurrency_limit = 50
        \(way)

        """
    }

    private var way: String {
        switch mode {
        case .hold: "smtpd_client_restrictions = check_client_access static:HOLD"
        case .relay(let sink): "relayhost = [127.0.0.1]:\(sink.port)"
        }
    }

    /// master(5)
    var master: String {
        """
        \(address.port) inet n - n - - smtpd
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        tlsmgr unix - - n 1000? 1 tlsmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        verify unix - - n - 1 verify
        proxymap unix - - n - - proxymap
        smtp unix - - n - - smtp
        relay unix - - n - - smtp
        error unix - - n - - error
        retry unix - - n - - error
        discard unix - - n - - discard
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        postlog unix-dgram n - n - 1 postlogd

        """
    }
}
