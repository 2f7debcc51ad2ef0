import Wire

/// What other servers say: the header of a balancer, and a next hop's replies.
func feedPeers(_ octets: [UInt8], _ cuts: Cuts) {
    let pieces = cuts.pieces(of: octets)
    demand(header(in: [octets]) == header(in: pieces), "a header does not depend on the cuts")
    demand(replies(in: [octets]) == replies(in: pieces), "replies do not depend on the cuts")
}

private struct Header: Equatable {
    var header: ProxyHeader?
    var rest: [UInt8] = []
    var error: ProxyHeaderError?
}

private func header(in pieces: [[UInt8]]) -> Header {
    var reader = ProxyHeaderReader()
    var found = Header()
    for piece in pieces where found.error == nil {
        if found.header != nil {
            found.rest += piece
            continue
        }
        reader.receive(piece.span)
        do throws(ProxyHeaderError) {
            guard let header = try reader.next() else { continue }
            found.header = header
            found.rest = reader.rest
        } catch {
            found.error = error
        }
    }
    return found
}

private struct Replies: Equatable {
    var replies: [SMTPReply] = []
    var error: SMTPReplyError?
}

private func replies(in pieces: [[UInt8]]) -> Replies {
    var reader = SMTPReplyReader()
    var found = Replies()
    for piece in pieces where found.error == nil {
        reader.receive(piece.span)
        do throws(SMTPReplyError) {
            while let reply = try reader.next() { found.replies.append(reply) }
        } catch {
            found.error = error
        }
    }
    return found
}
