/// A setting of Exchange without a counterpart.
struct UnmatchedSetting: Sendable {
    let name: String
    /// The values at which Postern behaves as Exchange does.
    let harmless: [String]
    let advice: String

    init(_ name: String, _ harmless: [String], _ advice: String) {
        self.name = name
        self.harmless = harmless
        self.advice = advice
    }

    static let ofTheDirectory: Set<String> = [
        "admindisplayname", "exchangeversion", "distinguishedname", "guid", "objectcategory",
        "objectclass", "whenchanged", "whencreated", "whenchangedutc", "whencreatedutc",
        "organizationid", "id", "originatingserver", "isvalid", "objectstate", "runspaceid",
        "pscomputername", "psshowcomputername", "identity", "name", "server", "comment",
        "organizationalunitroot", "exchangeobjectid", "objectid", "unchanged", "isreadonly",
    ]
}

extension UnmatchedSetting {
    static let ofReceivers: [UnmatchedSetting] = [
        UnmatchedSetting(
            "DomainSecureEnabled",
            ["False"],
            "no mutual TLS by domain; give the partner's certificate to an application"
        ),
        UnmatchedSetting("RequireEHLODomain", ["False"], "any hello is taken"),
        UnmatchedSetting(
            "BareLinefeedRejectionEnabled",
            ["False"],
            "a bare line feed is made CRLF and never ends the data; it is not refused"
        ),
        UnmatchedSetting(
            "MaxInboundConnectionPercentagePerSource",
            ["100", "2"],
            "connectionsPerSource alone counts"
        ),
        UnmatchedSetting("MaxLocalHopCount", [], "MaxHopCount alone counts, as limits.hops"),
        UnmatchedSetting("MaxAcknowledgementDelay", [], "250 is said once the mail is on disk"),
        UnmatchedSetting("EnableAuthGSSAPI", ["False"], "there is no Kerberos"),
        UnmatchedSetting(
            "ExtendedProtectionPolicy",
            ["None", "0"],
            "belongs to NTLM and Kerberos"
        ),
        UnmatchedSetting(
            "LongAddressesEnabled",
            ["False"],
            "addresses are as long as RFC 5321 allows"
        ),
        UnmatchedSetting("OrarEnabled", ["False"], "belongs to X.400"),
        UnmatchedSetting("LiveCredentialEnabled", ["False"], "belongs to Microsoft's own service"),
        UnmatchedSetting("SuppressXAnonymousTls", ["False", "True"], ""),
        UnmatchedSetting("AdvertiseClientSettings", ["False"], "belongs to Outlook"),
        UnmatchedSetting("ServiceDiscoveryFqdn", [], "belongs to Outlook"),
        UnmatchedSetting("TlsDomainCapabilities", [], "belongs to Exchange servers alone"),
        UnmatchedSetting("ProxyEnabled", ["False"], "list the balancers in proxies"),
        UnmatchedSetting("DefaultDomain", [], "set defaultDomain for the whole server"),
        UnmatchedSetting("RejectReservedTopLevelRecipientDomains", ["False"], "not looked at"),
        UnmatchedSetting("RejectReservedSecondLevelRecipientDomains", ["False"], "not looked at"),
        UnmatchedSetting("RejectSingleLabelRecipientDomains", ["False"], "not looked at"),
        UnmatchedSetting("VirtualDirectoryIdentity", [], "belongs to Exchange alone"),
    ]

    static let ofSenders: [UnmatchedSetting] = [
        UnmatchedSetting(
            "DomainSecureEnabled",
            ["False"],
            "no mutual TLS by domain; tls: \"verified\""
        ),
        UnmatchedSetting(
            "ProtocolLoggingLevel",
            ["None", "0"],
            "each attempt is in the message's events"
        ),
        UnmatchedSetting("ForceHELO", ["False"], "HELO is tried when EHLO is refused"),
        UnmatchedSetting("FrontendProxyEnabled", ["False"], "there is one server"),
        UnmatchedSetting("SourceTransportServers", [], "there is one server"),
        UnmatchedSetting("HomeMTA", [], "belongs to Exchange alone"),
        UnmatchedSetting("HomeMtaServerId", [], "belongs to Exchange alone"),
        UnmatchedSetting("SourceRoutingGroup", [], "belongs to Exchange alone"),
        UnmatchedSetting("IsScopedConnector", ["False"], "there are no sites here"),
        UnmatchedSetting("IsSmtpConnector", ["True"], "only SMTP is spoken here"),
        UnmatchedSetting(
            "UseExternalDNSServersEnabled",
            ["False"],
            "names are asked of the system's servers"
        ),
        UnmatchedSetting(
            "ConnectionInactivityTimeOut",
            [],
            "waits are those of RFC 5321 section 4.5.3.2"
        ),
        UnmatchedSetting("ErrorPolicies", ["Default", "0"], "replies are taken as they are"),
        UnmatchedSetting(
            "CloudServicesMailEnabled",
            ["False"],
            "headers of hybrid Exchange are not carried"
        ),
        UnmatchedSetting("TlsCertificateName", [], "no certificate is shown to the next hop"),
        UnmatchedSetting("MtaStsMode", ["Disabled", "0"], "there is no MTA-STS"),
        UnmatchedSetting("ConnectedDomains", [], "belongs to Exchange alone"),
    ]

    static let ofDomains: [UnmatchedSetting] = [
        UnmatchedSetting("AddressBookEnabled", ["False"], "recipients are not looked up"),
        UnmatchedSetting("EmailOnly", ["False"], "belongs to Exchange alone"),
        UnmatchedSetting("ExternallyManaged", ["False"], "belongs to Exchange alone"),
        UnmatchedSetting("AuthenticationType", [], "belongs to Exchange alone"),
        UnmatchedSetting("LiveIdInstanceType", [], "belongs to Exchange alone"),
        UnmatchedSetting("PendingRemoval", ["False"], "remove the line once it is gone"),
        UnmatchedSetting("PendingCompletion", ["False"], ""),
        UnmatchedSetting("DualProvisioningEnabled", ["False"], ""),
        UnmatchedSetting("OutboundOnly", ["False"], "the domain is taken for recipients too"),
        UnmatchedSetting("PendingFederatedAccountNamespace", ["False"], ""),
        UnmatchedSetting("PendingFederatedDomain", ["False"], ""),
        UnmatchedSetting("IsCoexistenceDomain", ["False"], ""),
        UnmatchedSetting("PerimeterDuplicateDetected", ["False"], ""),
        UnmatchedSetting("IsDefaultFederatedDomain", ["False"], ""),
        UnmatchedSetting("EnableNego2Authentication", ["False"], ""),
        UnmatchedSetting("CanHaveCloudCache", ["False"], ""),
        UnmatchedSetting(
            "SendingFromDomainDisabled",
            ["False"],
            "senders are ruled by connector and application"
        ),
        UnmatchedSetting(
            "SendingToDomainDisabled",
            ["False"],
            "the domain is taken for recipients"
        ),
        UnmatchedSetting("InitialDomain", ["False", "True"], ""),
        UnmatchedSetting("FederatedOrganizationLink", [], "belongs to Exchange alone"),
        UnmatchedSetting("CatchAllRecipientID", [], "there is no catch-all"),
        UnmatchedSetting("MailFlowPartner", [], "belongs to Exchange alone"),
    ]
}
