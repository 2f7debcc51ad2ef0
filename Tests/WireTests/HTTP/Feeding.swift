import Wire

/// What a parser made of some bytes: its events with neighbouring content joined, and the error it
/// ended in.
struct Reading<Event: Equatable>: Equatable {
    var events: [Event] = []
    var error: HTTPParseError?
}

/// A small generator that gives the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

func octets(_ text: String) -> [UInt8] { [UInt8](text.utf8) }
func text(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }

/// The bytes in pieces: cut once at `at`, or everywhere after `every` octets.
func pieces(_ bytes: [UInt8], at: Int? = nil, every: Int? = nil) -> [[UInt8]] {
    if let at { return [[UInt8](bytes[..<at]), [UInt8](bytes[at...])] }
    guard let every else { return [bytes] }
    return stride(from: 0, to: bytes.count, by: every).map {
        [UInt8](bytes[$0..<min($0 + every, bytes.count)])
    }
}

func readRequests(_ pieces: [[UInt8]], _ limits: HTTPLimits = HTTPLimits())
    -> Reading<HTTPRequestEvent>
{
    var parser = HTTPRequestParser(limits: limits)
    var reading = Reading<HTTPRequestEvent>()
    for piece in pieces {
        parser.receive(piece.span)
        do {
            while let event = try parser.next() {
                if case .body(let more) = event, case .body(let earlier) = reading.events.last {
                    reading.events[reading.events.count - 1] = .body(earlier + more)
                } else {
                    reading.events.append(event)
                }
            }
        } catch {
            reading.error = error
        }
    }
    return reading
}

func readRequests(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> Reading<HTTPRequestEvent>
{
    readRequests([octets(text)], limits)
}

func readHead(_ text: String) -> HTTPRequestHead? {
    guard case .head(let head) = readRequests(text).events.first else { return nil }
    return head
}

/// `expecting`: the methods of the requests that went out.
func readResponses(
    _ pieces: [[UInt8]],
    expecting methods: [HTTPMethod] = [.get],
    closed: Bool = false,
    _ limits: HTTPLimits = HTTPLimits()
) -> Reading<HTTPResponseEvent> {
    var parser = HTTPResponseParser(limits: limits)
    for method in methods { parser.expectResponse(to: method) }
    var reading = Reading<HTTPResponseEvent>()
    for piece in pieces + (closed ? [[]] : []) {
        if piece.isEmpty, closed { parser.receiveEnd() }
        parser.receive(piece.span)
        do {
            while let event = try parser.next() {
                if case .body(let more) = event, case .body(let earlier) = reading.events.last {
                    reading.events[reading.events.count - 1] = .body(earlier + more)
                } else {
                    reading.events.append(event)
                }
            }
        } catch {
            reading.error = error
        }
    }
    return reading
}
