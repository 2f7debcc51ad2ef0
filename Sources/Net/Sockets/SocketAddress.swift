import CLinux
import Glibc

/// Where a socket is bound or connected. IPv4 inside IPv6 (RFC 4291 §2.5.5.2) is IPv4 here.
package struct SocketAddress: Hashable, Sendable {
    enum Place: Hashable {
        /// In network order, as the kernel has it.
        case v4(UInt32)
        case v6(UInt64, UInt64, scope: UInt32)
        case unix(path: String)
    }

    let place: Place
    /// 0 for a unix socket.
    package let port: Int

    /// Nil unless the text is an IP address in digits, with `%interface` where it needs a scope.
    package init?(ip: String, port: Int) {
        guard (0...65_535).contains(port) else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, ip, &v4) == 1 {
            self.init(place: .v4(v4.s_addr), port: port)
            return
        }
        let parts = ip.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, String(parts[0]), &v6) == 1 else { return nil }
        var scope: UInt32 = 0
        if parts.count == 2 {
            scope = UInt32(parts[1]) ?? if_nametoindex(String(parts[1]))
            guard scope != 0 else { return nil }
        }
        self.init(v6, scope: scope, port: port)
    }

    package static func unix(path: String) -> SocketAddress {
        SocketAddress(place: .unix(path: path), port: 0)
    }

    package var isUnix: Bool { path != nil }

    package var path: String? {
        if case .unix(let path) = place { path } else { nil }
    }

    /// RFC 5952 text; nil for a unix socket.
    package var ip: String? {
        switch place {
        case .v4(let bits):
            return text(AF_INET, in_addr(s_addr: bits))
        case .v6(let high, let low, let scope):
            guard let plain = text(AF_INET6, in6_addr(high, low)) else { return nil }
            return scope == 0 ? plain : "\(plain)%\(scope)"
        case .unix: return nil
        }
    }

    /// As a number: 32 bits of IPv4, or 128 of IPv6; nil for a unix socket.
    package var number: (isIPv4: Bool, value: UInt128)? {
        switch place {
        case .v4(let bits): (true, UInt128(UInt32(bigEndian: bits)))
        case .v6(let high, let low, _):
            (false, UInt128(UInt64(bigEndian: high)) << 64 | UInt128(UInt64(bigEndian: low)))
        case .unix: nil
        }
    }

    /// From four octets in network order.
    init(v4 octets: some Sequence<UInt8>) {
        let bits = octets.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        self.init(place: .v4(bits.bigEndian), port: 0)
    }

    /// From sixteen octets in network order.
    init(v6 octets: some Collection<UInt8>) {
        let high = octets.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = octets.dropFirst(8).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(in6_addr(high.bigEndian, low.bigEndian), scope: 0, port: 0)
    }

    private init(place: Place, port: Int) {
        self.place = place
        self.port = port
    }

    private init(_ address: in6_addr, scope: UInt32, port: Int) {
        let (high, low) = unsafeBitCast(address, to: (UInt64, UInt64).self)
        let isMapped = high == 0 && UInt32(truncatingIfNeeded: low) == UInt32(0xFFFF).bigEndian
        let place =
            isMapped
            ? Place.v4(UInt32(truncatingIfNeeded: low >> 32)) : .v6(high, low, scope: scope)
        self.init(place: place, port: port)
    }

    private func text<T>(_ family: Int32, _ address: T) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            withUnsafeBytes(of: address) { bytes in
                guard let start = buffer.baseAddress,
                    inet_ntop(family, bytes.baseAddress, start, socklen_t(buffer.count)) != nil
                else { return nil }
                return String(cString: start)
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `1.2.3.4:25`, `[::1]:25`, or the path of a unix socket.
    package var description: String {
        switch place {
        case .v4: "\(ip ?? ""):\(port)"
        case .v6: "[\(ip ?? "")]:\(port)"
        case .unix(let path): path
        }
    }
}

// MARK: - As the kernel has it

extension SocketAddress {
    var family: Int32 {
        switch place {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Nil when a unix path does not fit into a socket address.
    func withKernelForm<R>(_ body: (UnsafePointer<sockaddr_storage>, socklen_t) -> R) -> R? {
        var storage = sockaddr_storage()
        guard let length = fill(&storage) else { return nil }
        return body(&storage, socklen_t(length))
    }

    private func fill(_ storage: inout sockaddr_storage) -> Int? {
        withUnsafeMutableBytes(of: &storage) { bytes -> Int? in
            let port = in_port_t(port).bigEndian
            switch place {
            case .v4(let bits):
                let form = sockaddr_in(
                    sin_family: sa_family_t(AF_INET),
                    sin_port: port,
                    sin_addr: in_addr(s_addr: bits),
                    sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)
                )
                bytes.storeBytes(of: form, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .v6(let high, let low, let scope):
                let form = sockaddr_in6(
                    sin6_family: sa_family_t(AF_INET6),
                    sin6_port: port,
                    sin6_flowinfo: 0,
                    sin6_addr: in6_addr(high, low),
                    sin6_scope_id: scope
                )
                bytes.storeBytes(of: form, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                let start = MemoryLayout<sa_family_t>.size
                // One octet stays for the terminating zero.
                guard path.utf8.count < MemoryLayout<sockaddr_un>.size - start else { return nil }
                bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                for (index, octet) in path.utf8.enumerated() { bytes[start + index] = octet }
                return start + path.utf8.count + 1
            }
        }
    }

    init(_ storage: sockaddr_storage, length: socklen_t) {
        self = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let form = bytes.load(as: sockaddr_in.self)
                return SocketAddress(
                    place: .v4(form.sin_addr.s_addr),
                    port: Int(UInt16(bigEndian: form.sin_port))
                )
            case AF_INET6:
                let form = bytes.load(as: sockaddr_in6.self)
                return SocketAddress(
                    form.sin6_addr,
                    scope: form.sin6_scope_id,
                    port: Int(UInt16(bigEndian: form.sin6_port))
                )
            default:
                let path = bytes.prefix(Int(length)).dropFirst(MemoryLayout<sa_family_t>.size)
                return .unix(path: String(decoding: path.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
    }

    /// What the descriptor is bound to.
    init(localOf number: Int32) throws(StreamError) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        guard linux_local_address(number, &storage, &length) == 0 else {
            throw StreamError(failed: "getsockname")
        }
        self.init(storage, length: length)
    }
}

extension in6_addr {
    fileprivate init(_ high: UInt64, _ low: UInt64) {
        self = unsafeBitCast((high, low), to: in6_addr.self)
    }
}
