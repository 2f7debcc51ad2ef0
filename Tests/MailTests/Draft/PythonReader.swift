import Foundation
import Mail
import Oracles

/// Python's `email` package as the judge of what was written: one process reads a batch of mails and
/// answers what it found in each, with every defect.
enum PythonReader {
    struct Reading: Decodable {
        struct Part: Decodable {
            let type: String
            let charset: String?
            let encoding: String?
            let filename: String?
            let disposition: String?
            let contentID: String?
            /// Base64 of the decoded octets; empty for a multipart.
            let content: String
            let parts: [Part]

            /// `mixed(alternative(plain,html),pdf)`
            var shape: String {
                let name = String(type.split(separator: "/").last ?? "")
                return parts.isEmpty
                    ? name : name + "(" + parts.map(\.shape).joined(separator: ",") + ")"
            }

            var leaves: [Part] { parts.isEmpty ? [self] : parts.flatMap(\.leaves) }

            var octets: [UInt8] { Data(base64Encoded: content).map(Array.init) ?? [] }

            /// With LF as line ends.
            var text: String {
                String(decoding: octets, as: UTF8.self).replacing("\r\n", with: "\n")
            }
        }

        let defects: [String]
        let headers: [[String]]
        /// Field name to [display name, address] pairs.
        let addresses: [String: [[String]]]
        let longestLine: Int
        let root: Part

        func header(_ name: String) -> String? { headers.first { $0[0] == name }?[1] }
    }

    static func read(_ mails: [[UInt8]]) throws -> [Reading] {
        let lines = mails.map { Data($0).base64EncodedString() }.joined(separator: "\n")
        let octets = try answer(of: ["python3", "-c", script], given: Array(lines.utf8))
        return try JSONDecoder().decode([Reading].self, from: Data(octets))
    }

    private static let script = #"""
        import base64, email, json, sys
        from email import policy

        def part(message):
            defects.extend(str(defect) for defect in message.defects)
            for name, value in message.items():
                defects.extend(name + ": " + str(defect) for defect in value.defects)
            is_multipart = message.is_multipart()
            content = b"" if is_multipart else message.get_payload(decode=True)
            defects.extend(str(defect) for defect in message.defects)
            return {
                "type": message.get_content_type(),
                "charset": message.get_content_charset(),
                "encoding": message["Content-Transfer-Encoding"],
                "filename": message.get_filename(),
                "disposition": message.get_content_disposition(),
                "contentID": message["Content-ID"],
                "content": base64.b64encode(content).decode(),
                "parts": [part(child) for child in message.iter_parts()] if is_multipart else [],
            }

        answers = []
        for line in sys.stdin.buffer.read().split(b"\n"):
            raw = base64.b64decode(line)
            message = email.message_from_bytes(raw, policy=policy.default)
            defects = []
            if raw.replace(b"\r\n", b"").count(b"\n") or raw.replace(b"\r\n", b"").count(b"\r"):
                defects.append("bare line end")
            if not raw.endswith(b"\r\n"):
                defects.append("no line end at the end")
            answers.append({
                "root": part(message),
                "headers": [[name, str(value)] for name, value in message.items()],
                "addresses": {
                    name: [[a.display_name, a.addr_spec] for a in message[name].addresses]
                    for name in ("From", "To", "Cc", "Reply-To") if name in message
                },
                "longestLine": max(len(line) for line in raw.split(b"\r\n")),
                "defects": defects,
            })
        json.dump(answers, sys.stdout)
        """#
}
